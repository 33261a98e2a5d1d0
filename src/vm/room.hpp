// What the limits leave: which wake may build its domain now, which waits, and who makes room for
// it. Wakes that wait are served in their order. vmm's thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "life.hpp"
#include "standby.hpp"

namespace summond::vm {

class Room final : public Keeper {
  public:
    using Lives = std::map<service::Id, std::unique_ptr<Life>>;

    // sample: brings the lives' idle times up to date; false: they are not known. All outlive it.
    Room(const Lives& lives, Standby& standby, const base::Clock& clock,
         std::function<bool()> sample);

    void configure(const service::Limits& limits) { limits_ = limits; }
    // Admits those that wait, as far as there is room; makes room for the first of the others.
    void serve();
    // Whether a standby copy may be built: there is room, and no wake is in progress.
    bool for_copy(const service::Template& service) const;
    // When serve() is worth another try without anything having changed.
    std::optional<base::TimePoint> deadline() const;

    std::optional<Standby::Copy> take_copy(service::Id service) override {
        return standby_.take(service);
    }
    std::optional<DomId> booted_copy(service::Id service) const override {
        return standby_.booted(service);
    }
    bool has_room(Life& life) override;
    bool finds_memory(Life& life) override;
    base::Duration longest_wait() const override { return limits_.queue; }
    service::WakeFailure shortage(const Life& life) const override;
    void freed() override { xen_is_full_ = false; }

  private:
    struct Use {
        std::uint64_t memory_kib = 0;
        std::uint32_t domains = 0;
    };
    Use used() const;
    Use leaving() const;
    bool fits(const Use& use, const service::Template& service) const;
    Life* first();
    void make_room(const Life& life);
    bool evict_one();

    const Lives& lives_;
    Standby& standby_;
    const base::Clock& clock_;
    std::function<bool()> sample_;
    service::Limits limits_;
    std::deque<service::Id> queue_;
    bool xen_is_full_ = false;  // until some domain is gone
    base::TimePoint tried_at_{};
};

}  // namespace summond::vm
