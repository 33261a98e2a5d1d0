// What is told of a service beyond its status: each of its wakes, and what a later process is to
// know of it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lifecycle.hpp"
#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {

// What is known of it in its present stage. Its domain may be older than the wake.
WakeRecord Lifecycle::record_of(const Wake& wake) {
    WakeRecord record;
    record.service = service_.id();
    record.name = service_.name();
    record.why = *wake.why;
    record.asked_at = wake.asked_at;
    record.query_type = wake.query_type;
    add_waiting(record, std::exchange(waiting_, {}));
    const auto since = [&](base::TimePoint at) -> std::optional<base::Duration> {
        if (at < wake.asked_at)
            return std::nullopt;
        return at - wake.asked_at;
    };
    if (wake.admitted_at)
        record.admitted = since(*wake.admitted_at);
    if (const Domain* const own = domain(); own != nullptr && own->is_there()) {
        record.built = since(own->built_at());
        if (!in<Building>())
            record.unpaused = since(own->started_at());
    }
    return record;
}

void Lifecycle::woke(const Wake& wake, base::TimePoint at, WakeHow how, const std::string& words) {
    last_why_ = wake.why;
    wakes_.of(*wake.why).add(at - wake.asked_at);
    spdlog::info("woke {}: domid {}, why {}, {} ({})", service_.name(), its().domid(),
                 to_string(*wake.why), words, to_string(wakes_));
    hypervisor_.wake_counters().show(service_, wakes_);

    WakeRecord record = record_of(wake);
    record.how = how;
    record.ready = at - wake.asked_at;
    if (!record.unpaused)
        record.unpaused = record.ready;
    if (record.why == service::WakeReason::dns) {
        const service::AnswerWhen& answer = service_->answer;
        using Kind = service::AnswerWhen::Kind;
        record.answerable = answer.kind == Kind::ready ? *record.ready
                            : answer.kind == Kind::booting
                                ? *record.unpaused
                                : std::max<base::Duration>(answer.delay, *record.unpaused);
    }
    tell(record);
    wake_of_guest_ = record.number;
}

void Lifecycle::tell(WakeRecord& record) {
    hooks_.woke(record);
    last_wake_ = record.number;
}

bool Lifecycle::waited(std::uint32_t queries, base::Duration longest) {
    if (wake_under_way() == nullptr)
        return false;
    waiting_.queries +=
        std::min(queries, std::numeric_limits<std::uint32_t>::max() - waiting_.queries);
    waiting_.longest = std::max(waiting_.longest, longest);
    return true;
}

Kept Lifecycle::kept() const {
    Kept kept{.service = service_.id(), .setback = backoff_.setback()};
    if (pinned())
        kept.pin = pin_;
    if (rests())
        kept.rest = rest_;
    if (idle_since() != base::TimePoint{})
        kept.last_used = idle_since();
    return kept;
}

void Lifecycle::take_over(const Kept& kept) {
    pin_ = kept.pin;
    rest_ = kept.rest;
    if (kept.setback)
        backoff_.take_over(*kept.setback, clock_.now());
    if (kept.last_used)
        last_traffic_ = last_asked_ = std::min(*kept.last_used, clock_.now());
}

}  // namespace summond::vm
