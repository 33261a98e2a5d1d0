// A service that is to be up in windows of the week, or always: woken before each window so that it
// is ready when that begins, and not put away in it. Times of day are looked at at least once a
// minute, since somebody may set the clock.
#include <algorithm>

#include "lifecycle.hpp"
#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {
namespace {

using std::chrono::seconds;

constexpr seconds longest_look{60};
// What a wake takes beyond the longest of the last ones.
constexpr seconds spare_lead{1};
constexpr std::size_t wakes_considered = 8;

}  // namespace

void Lifecycle::read_schedule() {
    wanted_up_ = false;
    look_at_clock_.reset();
    schedule_ = {};
    if (auto schedule = service::Schedule::of(service_->keep))
        schedule_ = std::move(*schedule);
    else
        spdlog::error("{}: keep: {}; it is not kept up", service_.name(), schedule.error().what);
    look_at_the_clock();
}

void Lifecycle::look_at_the_clock() {
    const auto now = clock_.now();
    const auto today = wall_clock_.now();
    const bool before = wanted_up_;
    const auto window = schedule_.next(today);
    const auto lead = std::chrono::ceil<std::chrono::milliseconds>(lead_time());
    wanted_up_ = service_->min > 0 || (window && window->begin - lead <= today);
    look_at_clock_.reset();
    if (window) {
        const auto changes = wanted_up_ ? window->end : window->begin - lead;
        look_at_clock_ =
            now + std::clamp<base::Duration>(changes - today, base::Duration::zero(), longest_look);
        if (*look_at_clock_ <= now)  // its lead may be longer than the time to the window before
            look_at_clock_ = now + seconds(1);
    }
    if (wanted_up_ && !before && !in<Ready>())
        spdlog::info("{} is to be up{}", service_.name(), service_->min > 0 ? "" : " from now on");
}

// How long before a window it is woken.
base::Duration Lifecycle::lead_time() const {
    if (wakes_took_.empty())
        return service_->ready.timeout;
    return *std::ranges::max_element(wakes_took_) + spare_lead;
}

void Lifecycle::took(const WakeRecord& record) {
    if (!record.ready || (record.how != WakeHow::build && record.how != WakeHow::restore))
        return;
    wakes_took_.push_back(*record.ready);
    if (wakes_took_.size() > wakes_considered)
        wakes_took_.pop_front();
}

bool Lifecycle::sleeps_though_wanted() const {
    return wanted_up_ && (in<Absent>() || in<Paused>()) && !refuses_wakes() && !rests();
}

// It is on its way out by command. It is not woken by the window that it is in.
void Lifecycle::rest() {
    if (!wanted_up_)
        return;
    rest_ = Rest{};
    const auto today = wall_clock_.now();
    if (const auto window = schedule_.next(today); window && service_->min == 0)
        rest_->until =
            clock_.now() + ((window->begin > today ? window->begin : window->end) - today);
}

std::optional<base::TimePoint> Lifecycle::schedule_deadline() const {
    if (refuses_wakes())
        return std::nullopt;
    if (sleeps_though_wanted() && (may_wake() || backing_off())) {
        const auto at = std::max(clock_.now(), backoff_.until());
        return look_at_clock_ ? std::min(at, *look_at_clock_) : at;
    }
    if (wanted_up_ && rests() && rest_->until && look_at_clock_)
        return std::min(*rest_->until, *look_at_clock_);
    return look_at_clock_;
}

void Lifecycle::follow_schedule() {
    if (look_at_clock_ && clock_.now() >= *look_at_clock_)
        look_at_the_clock();
    if (sleeps_though_wanted() && may_wake())
        wake(service::WakeReason::schedule, clock_.now());
}

}  // namespace summond::vm
