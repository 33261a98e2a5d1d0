#include "admission.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lifecycle_log.hpp"

namespace summond::vm {
namespace {

using std::chrono::seconds;

// A domain is not put away for another one while clients are busy with it: without a packet or an
// answer for so long it is idle. The TTL of its last answer does not keep it.
constexpr seconds shortest_idle{5};
// Those that are not idle yet will be, without anything having changed.
constexpr seconds next_try{1};

}  // namespace

Admission::Admission(const Lifecycles& lifecycles, Standby& standby, const base::Clock& clock,
                     std::function<bool()> sample)
    : lifecycles_(lifecycles), standby_(standby), clock_(clock), sample_(std::move(sample)) {}

Admission::Use Admission::used() const {
    Use use{standby_.memory_kib(), standby_.domains()};
    for (const auto& [id, each] : lifecycles_) {
        use.memory_kib += each->memory_kib();
        use.domains += each->memory_kib() > 0 ? 1 : 0;
    }
    return use;
}

Admission::Use Admission::leaving() const {
    Use use{standby_.leaving_kib(), standby_.leaving()};
    for (const auto& [id, each] : lifecycles_) {
        use.memory_kib += each->leaving() ? each->memory_kib() : 0;
        use.domains += each->leaving() ? 1 : 0;
    }
    return use;
}

bool Admission::queues() const {
    return std::ranges::any_of(
        queue_, [this](const Waits& each) { return queued(each.service) != nullptr; });
}

// Less than an eighth. Standby copies are in nobody's way.
bool Admission::short_of_room() const {
    if (xen_is_full_)
        return true;
    if (!limits_.memory_kib && !limits_.domains)
        return false;
    Use use = used();
    use.memory_kib -= standby_.memory_kib();
    use.domains -= standby_.domains();
    const auto nearly = [](std::uint64_t use, std::uint64_t limit) {
        return use >= limit || 8 * (limit - use) < limit;
    };
    return (limits_.memory_kib && nearly(use.memory_kib, *limits_.memory_kib)) ||
           (limits_.domains && nearly(use.domains, *limits_.domains));
}

bool Admission::fits(const Use& use, const service::Instance& service) const {
    return (!limits_.memory_kib ||
            use.memory_kib + service::footprint_kib(*service) <= *limits_.memory_kib) &&
           (!limits_.domains || use.domains + 1 <= *limits_.domains);
}

void Admission::request(Lifecycle& lifecycle) {
    const auto& wanted = lifecycle.queued();
    const service::Id id = lifecycle.service().id();
    const Waits waits{id, wanted.wake.asked_at + limits_.queue};
    std::erase_if(queue_, [id](const Waits& each) { return each.service == id; });
    if (wanted.starved) {
        if (clock_.now() >= waits.until || !finds_memory()) {
            lifecycle.give_up();
            return;
        }
        xen_is_full_ = true;
        queue_.push_front(waits);
        return;
    }
    if (!wanted.restores) {
        if (auto standby = standby_.take(lifecycle.service())) {
            lifecycle.give_spare(std::move(standby));
            return;
        }
    }
    if (first() == nullptr && fits(used(), lifecycle.service())) {
        lifecycle.admit();
        return;
    }
    queue_.push_back(waits);
    make_room(lifecycle);
}

// Xen had too little: whether some is on its way.
bool Admission::finds_memory() {
    return leaving().domains > 0 || standby_.give_back() || evict_one();
}

Lifecycle* Admission::queued(service::Id service) const {
    const auto found = lifecycles_.find(service);
    return found != lifecycles_.end() && found->second->in<Lifecycle::Queued>() ? found->second
                                                                                : nullptr;
}

// The first that still waits.
Lifecycle* Admission::first() {
    while (!queue_.empty()) {
        if (Lifecycle* lifecycle = queued(queue_.front().service))
            return lifecycle;
        queue_.pop_front();
    }
    return nullptr;
}

void Admission::serve() {
    for (Lifecycle* next = first(); next != nullptr && !xen_is_full_; next = first()) {
        if (!fits(used(), next->service())) {
            make_room(*next);
            return;
        }
        queue_.pop_front();
        next->admit();
    }
}

// Standby domains first, which cost nobody anything but time. What is already on its way out
// counts.
void Admission::make_room(const Lifecycle& lifecycle) {
    tried_at_ = clock_.now();
    const auto enough = [&] {
        Use use = used();
        const Use soon = leaving();
        use.memory_kib -= soon.memory_kib;
        use.domains -= soon.domains;
        return fits(use, lifecycle.service());
    };
    while (!enough() && (standby_.give_back() || evict_one()))
        ;
}

bool Admission::evict_one() {
    if (!limits_.evict || !sample_())
        return false;
    Lifecycle* longest = nullptr;
    const auto before = [](const Lifecycle& a, const Lifecycle& b) {
        const bool a_paused = a.in<Lifecycle::Paused>();
        return a_paused != b.in<Lifecycle::Paused>() ? a_paused : a.idle_since() < b.idle_since();
    };
    for (const auto& [id, each] : lifecycles_) {
        const bool idle =
            each->in<Lifecycle::Paused>() || clock_.now() >= each->idle_since() + shortest_idle;
        if (idle && each->evictable() && (longest == nullptr || before(*each, *longest)))
            longest = each;
    }
    if (longest == nullptr)
        return false;
    longest->evict();
    return longest->leaving();
}

bool Admission::for_standby(const service::Instance& service) const {
    return std::ranges::none_of(lifecycles_,
                                [](const auto& each) { return each.second->waking(); }) &&
           fits(used(), service);
}

std::optional<base::TimePoint> Admission::deadline() const {
    std::optional<base::TimePoint> next;
    for (const Waits& each : queue_)
        if (queued(each.service) != nullptr && (!next || each.until < *next))
            next = each.until;
    if (next && limits_.evict)
        next = std::min(*next, tried_at_ + next_try);
    return next;
}

// Of those whose time is over, none waits any longer.
void Admission::tick() {
    const auto now = clock_.now();
    std::vector<Lifecycle*> late;
    std::erase_if(queue_, [&](const Waits& each) {
        if (now < each.until)
            return false;
        if (Lifecycle* lifecycle = queued(each.service))
            late.push_back(lifecycle);
        return true;
    });
    for (Lifecycle* lifecycle : late)
        refuse(*lifecycle);
}

void Admission::refuse(Lifecycle& lifecycle) const {
    using service::WakeFailure;
    Use use = used();
    use.memory_kib = 0;
    const WakeFailure shortage = xen_is_full_                     ? WakeFailure::no_memory
                                 : fits(use, lifecycle.service()) ? WakeFailure::memory_limit
                                                                  : WakeFailure::domain_limit;
    const char* const why = shortage == WakeFailure::domain_limit ? " (limit of domains reached)"
                            : shortage == WakeFailure::memory_limit
                                ? " (limit of memory reached)"
                                : " (Xen has not enough memory)";
    lifecycle.refuse(
        shortage, fmt::format("no room for its domain within {} ms{}", in_ms(limits_.queue), why));
}

}  // namespace summond::vm
