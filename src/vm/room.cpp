#include "room.hpp"

#include <algorithm>

namespace summond::vm {
namespace {

using std::chrono::seconds;

// A domain is not put away for another one while clients are busy with it: without a packet or an
// answer for so long it is idle. The TTL of its last answer does not keep it.
constexpr seconds shortest_idle{5};
constexpr seconds next_try{1};

}  // namespace

Room::Room(const Lives& lives, Standby& standby, const base::Clock& clock,
           std::function<bool()> sample)
    : lives_(lives), standby_(standby), clock_(clock), sample_(std::move(sample)) {}

Room::Use Room::used() const {
    Use use{standby_.memory_kib(), standby_.domains()};
    for (const auto& [id, life] : lives_) {
        use.memory_kib += life->memory_kib();
        use.domains += life->memory_kib() > 0 ? 1 : 0;
    }
    return use;
}

Room::Use Room::leaving() const {
    Use use{standby_.leaving_kib(), standby_.leaving()};
    for (const auto& [id, life] : lives_) {
        use.memory_kib += life->leaving() ? life->memory_kib() : 0;
        use.domains += life->leaving() ? 1 : 0;
    }
    return use;
}

bool Room::fits(const Use& use, const service::Template& service) const {
    return (!limits_.memory_kib ||
            use.memory_kib + service::footprint_kib(service) <= *limits_.memory_kib) &&
           (!limits_.domains || use.domains + 1 <= *limits_.domains);
}

bool Room::has_room(Life& life) {
    if (first() == nullptr && fits(used(), life.service()))
        return true;
    queue_.push_back(life.service().id);
    make_room(life);
    return false;
}

bool Room::finds_memory(Life& life) {
    const Use before = leaving();
    if (before.domains == 0 && !standby_.give_back() && !evict_one())
        return false;
    xen_is_full_ = true;
    queue_.push_front(life.service().id);
    return true;
}

service::WakeFailure Room::shortage(const Life& life) const {
    if (xen_is_full_)
        return service::WakeFailure::no_memory;
    Use use = used();
    use.memory_kib = 0;
    return fits(use, life.service()) ? service::WakeFailure::memory_limit
                                     : service::WakeFailure::domain_limit;
}

// The first that still waits.
Life* Room::first() {
    while (!queue_.empty()) {
        const auto life = lives_.find(queue_.front());
        if (life != lives_.end() && life->second->stage() == Life::Stage::queued)
            return life->second.get();
        queue_.pop_front();
    }
    return nullptr;
}

void Room::serve() {
    for (Life* life = first(); life != nullptr && !xen_is_full_; life = first()) {
        if (!fits(used(), life->service())) {
            make_room(*life);
            return;
        }
        queue_.pop_front();
        life->admit();
    }
}

// Standby copies first, which cost nobody anything but time. What is already on its way out counts.
void Room::make_room(const Life& life) {
    tried_at_ = clock_.now();
    const auto enough = [&] {
        Use use = used();
        const Use soon = leaving();
        use.memory_kib -= soon.memory_kib;
        use.domains -= soon.domains;
        return fits(use, life.service());
    };
    while (!enough() && (standby_.give_back() || evict_one()))
        ;
}

bool Room::evict_one() {
    if (!limits_.evict || !sample_())
        return false;
    Life* longest = nullptr;
    const auto before = [](const Life& a, const Life& b) {
        const bool a_paused = a.stage() == Life::Stage::paused;
        const bool b_paused = b.stage() == Life::Stage::paused;
        return a_paused != b_paused ? a_paused : a.idle_since() < b.idle_since();
    };
    for (const auto& [id, life] : lives_) {
        const bool idle = life->stage() == Life::Stage::paused ||
                          clock_.now() >= life->idle_since() + shortest_idle;
        if (idle && life->evictable() && (longest == nullptr || before(*life, *longest)))
            longest = life.get();
    }
    if (longest == nullptr)
        return false;
    longest->evict();
    return longest->leaving();
}

bool Room::for_copy(const service::Template& service) const {
    return std::ranges::none_of(lives_, [](const auto& each) { return each.second->waking(); }) &&
           fits(used(), service);
}

std::optional<base::TimePoint> Room::deadline() const {
    const bool waits = std::ranges::any_of(
        lives_, [](const auto& each) { return each.second->stage() == Life::Stage::queued; });
    if (!waits || !limits_.evict)
        return std::nullopt;
    return tried_at_ + next_try;
}

}  // namespace summond::vm
