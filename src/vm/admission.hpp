// What the limits leave: which wake may have a domain now, which waits, and who makes room for it.
// Wakes that wait are served in their order. Sees Lifecycles and Standby, which know nothing of it.
// vmm's thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "lifecycle.hpp"
#include "standby.hpp"
#include "summond/service/limits.hpp"

namespace summond::vm {

class Admission {
  public:
    using Lifecycles = std::map<service::Id, Lifecycle*>;

    // lifecycles: all that are not dormant. sample: brings their idle times up to date; false:
    // they are not known. All outlive it.
    Admission(const Lifecycles& lifecycles, Standby& standby, const base::Clock& clock,
              std::function<bool()> sample);

    void configure(const service::Limits& limits) { limits_ = limits; }
    // Of one that is queued: a standby domain for it, or room, or its place among those that
    // wait.
    void request(Lifecycle& lifecycle);
    // Admits those that wait, as far as there is room; makes room for the first of the others.
    void serve();
    // Whether a standby domain may be built: there is room, and no wake is in progress.
    bool for_standby(const service::Instance& service) const;
    // Whether wakes wait for room; whether there is hardly any.
    bool queues() const;
    bool short_of_room() const;
    // A domain's memory is free.
    void freed() { xen_is_full_ = false; }

    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Use {
        std::uint64_t memory_kib = 0;
        std::uint32_t domains = 0;
    };
    struct Waits {
        service::Id service;
        base::TimePoint until;
    };
    Use used() const;
    Use leaving() const;
    bool fits(const Use& use, const service::Instance& service) const;
    Lifecycle* queued(service::Id service) const;
    Lifecycle* first();
    bool finds_memory();
    void make_room(const Lifecycle& lifecycle);
    bool evict_one();
    void refuse(Lifecycle& lifecycle) const;

    const Lifecycles& lifecycles_;
    Standby& standby_;
    const base::Clock& clock_;
    std::function<bool()> sample_;
    service::Limits limits_;
    std::deque<Waits> queue_;
    bool xen_is_full_ = false;  // until some domain is gone
    base::TimePoint tried_at_{};
};

}  // namespace summond::vm
