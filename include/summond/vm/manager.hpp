// The lifecycles of all services: who is woken, adopted, put away. No I/O of its own: the clock
// and the Hypervisor are injected, and tick() is called when next_deadline() comes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/service/limits.hpp"
#include "summond/vm/hypervisor.hpp"
#include "summond/vm/status.hpp"

namespace summond::vm {

class Admission;
class Domain;
class Lifecycle;
class Standby;

class Manager {
  public:
    // changed: a service's Status is new; it must not call back into the Manager except for
    // status(). hypervisor and clock outlive the Manager.
    Manager(Hypervisor& hypervisor, const base::Clock& clock,
            std::function<void(service::Id)> changed);
    ~Manager();

    // The services from now on, with their settings. A running domain keeps what it was built with,
    // unless its addresses changed: then it is destroyed. Services that are there no more go on for
    // those who know them, without standby copies, until retire_others.
    void configure(const std::vector<service::Template>& services,
                   const service::Limits& limits = {});
    // Those that the last configure did not name are gone: their domains are destroyed and their
    // saved files removed.
    void retire_others();
    // Takes over what an earlier process left: complete domains of configured services go on,
    // everything else of ours is destroyed. Once, after the first configure.
    base::Result<void> adopt();

    // Unknown services are ignored. One wake at a time for a service; a wake during back-off is
    // answered by another call of changed. asked_at: since when somebody has waited, if not now.
    void wake(service::Id service, service::WakeReason why,
              std::optional<base::TimePoint> asked_at = {});
    // The booted standby copy that the service's next wake takes.
    std::optional<DomId> copy(service::Id service) const;
    // Of a configured service.
    const std::string& name(service::Id service) const;
    // Its address was given out: it stays until that answer's TTL has run out.
    void touch(service::Id service);

    std::optional<Status> status(service::Id service) const;
    // The service's domain, once all its devices are there and until it is put away.
    std::optional<DomId> domain(service::Id service) const;
    // Asleep, but its guest will go on where it was, with the connections that it had.
    bool remembers(service::Id service) const;
    std::vector<service::Id> services() const;

    // Takes no more wakes; destroys standby copies, domains with destroy_on_exit and those not
    // built to the end, leaves the rest running; then calls done.
    void stop(std::function<void()> done);

    // When tick() has to be called next; none while nothing is timed. Any other call, and any
    // callback of the hypervisor, can change it.
    std::optional<base::TimePoint> next_deadline() const;
    void tick();

  private:
    Lifecycle* find(service::Id service) const;
    void died(DomId domid, Death how);
    std::optional<base::TimePoint> next_sample() const;
    bool sample_traffic();
    void settle();

    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    std::function<void(service::Id)> changed_;
    std::map<service::Id, std::unique_ptr<Lifecycle>> lifecycles_;
    std::set<service::Id> configured_;
    std::unique_ptr<Standby> standby_;
    std::unique_ptr<Admission> admission_;
    std::vector<std::unique_ptr<Domain>> strays_;  // of ours, on their way out
    std::function<void()> stopped_;
    base::TimePoint last_sample_{};
    bool settle_due_ = false;
    bool traffic_failed_ = false;  // logged once, not at every sample
};

}  // namespace summond::vm
