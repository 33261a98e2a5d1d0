// The lifecycles of all services: who is woken, adopted, put away. No I/O of its own: the clock
// and the Hypervisor are injected, and tick() is called when next_deadline() comes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/wall_clock.hpp"
#include "summond/service/limits.hpp"
#include "summond/service/pressure.hpp"
#include "summond/service/report.hpp"
#include "summond/service/status.hpp"
#include "summond/vm/hypervisor.hpp"
#include "summond/vm/ledger.hpp"

namespace summond::vm {

class Admission;
class Domain;
class Leases;
class Lifecycle;
class Pressure;
class Replicas;
class Standby;

// What a call of wake has come to.
enum class Woken : std::uint8_t {
    unknown,  // no such service
    refused,  // nothing is to wake it now
    before,   // a wake is under way, or it is up
    begun,
    done,  // it is up: that took no time
};

class Manager {
  public:
    // changed: a service's status is new, or somebody has asked for it; it must not call back into
    // the Manager. hypervisor, clocks and ledger outlive the Manager.
    Manager(Hypervisor& hypervisor, const base::Clock& clock, const base::WallClock& wall_clock,
            std::function<void(const service::Status&)> changed, Ledger& ledger);
    ~Manager();

    // The services from now on, with their settings. A running domain keeps what it was built with,
    // unless its addresses changed: then it is destroyed. Services that are there no more go on for
    // those who know them, without standby copies, until retire_others.
    // patterns: services with an instance for each id.
    using Patterns = std::vector<std::shared_ptr<const service::Template>>;
    void configure(const std::vector<service::Instance>& services,
                   const service::Limits& limits = {}, const Patterns& patterns = {});
    // Those that the last configure did not name are gone: their domains are destroyed and their
    // saved files removed.
    void retire_others();
    // Takes over what an earlier process left: what the ledger remembers; complete domains of
    // configured services go on, everything else of ours is destroyed. Once, after the first
    // configure.
    base::Result<void> adopt();
    // Told of each wake, as the ledger is, after whoever waits for it; must not call back into the
    // Manager. The record is read during the call only.
    void on_wake(std::function<void(const WakeRecord&)> told) { told_wake_ = std::move(told); }
    // The last ones, of earlier processes, too; the oldest first, by number.
    const std::deque<WakeRecord>& wakes() const { return wakes_; }
    // Null: it is not among these.
    const WakeRecord* wake_of_number(std::uint64_t number) const;

    // -- Instances of patterns

    // That of an id, which is a service from now on, until it has been absent for a moment. None:
    // no such pattern or id, too many of them, or one that cannot be told from another; where all
    // addresses of its pool are leased, `why` says so.
    std::optional<service::Id> instance(service::Id of, std::string_view id,
                                        service::WakeFailure* why = nullptr);
    // Of one that there is.
    const std::string& pattern_name(service::Id of) const { return patterns_.at(of)->name; }
    bool is_instance(service::Id service) const { return instances_.contains(service); }
    // The pattern that it is an instance of; of others, itself.
    service::Id configured_as(service::Id service) const {
        const auto of = instances_.find(service);
        return of == instances_.end() ? service : of->second;
    }
    // All that are services now.
    std::vector<service::Instance> instances() const;
    // The ledger has kept leases up to this number (Ledger::on_leased).
    void leases_kept(std::uint64_t number);
    service::Pools pools() const;
    // Told when one becomes a service, and when it is one no more; must not call back into the
    // Manager.
    void on_instance(std::function<void(const service::Instance&, bool is_there)> told) {
        told_instance_ = std::move(told);
    }

    // One wake at a time for a service; of a known one changed is called in any case. asked_at:
    // since when somebody has waited, if not now. query_type: of a query; 0: it is none.
    Woken wake(service::Id service, service::WakeReason why,
               std::optional<base::TimePoint> asked_at = {}, std::uint16_t query_type = 0);
    // Of a configured service.
    const std::string& name(service::Id service) const;
    // Its address was given out: it stays until that answer's TTL has run out.
    void touch(service::Id service);
    // The packets that were held for its guest have been given to it; the first has waited so long.
    void handed_over(service::Id service, std::uint32_t packets,
                     base::Duration first_waited = base::Duration::zero());
    // Its guest has said something to a client.
    void first_byte(service::Id service, base::TimePoint at);
    // So many queries that waited for it have got their responses; one has waited so long.
    void waited(service::Id service, std::uint32_t queries, base::Duration longest);

    // -- Proofs

    // Whether only a client that has shown that its address is not forged wakes it now, or an
    // instance of it. A wake for any other is not to be asked for.
    bool needs_proof(service::Id service) const;
    // What makes it so for all; 0: nothing does.
    service::PressureCauses pressure() const;
    // Told when that is new; must not call back into the Manager but for what it is.
    void on_pressure(std::function<void()> told) { told_pressure_ = std::move(told); }

    // -- Replicas

    // How much one has to do. spare: the others suffice.
    struct Load {
        service::Id service = 0;
        std::uint32_t packets = 0;  // in a second
        bool spare = false;
    };
    // Told of each that is up when it has been measured; must not call back into the Manager.
    void on_load(std::function<void(const Load&)> told) { told_load_ = std::move(told); }

    // -- What somebody wants who may. Of a service that is not known: unknown.

    enum class Ordered : std::uint8_t {
        unknown,
        done,
        begun,
        nothing,
        pinned,
        drained,
        refused,
        busy,
        unfit,
    };
    // forced: although the host is drained, or the service backs off.
    Ordered wake_by_command(service::Id service, bool forced);
    // forced: although it is pinned.
    Ordered sleep(service::Id service, bool forced);
    // until: none: until it is unpinned.
    Ordered pin(service::Id service, std::optional<base::TimePoint> until);
    Ordered unpin(service::Id service);
    // Takes over a domain that somebody else has made for the service, if it fits. unfit: `why`
    // says what does not.
    Ordered adopt(service::Id service, std::string& why);
    // No new wakes: they fail with WakeFailure::drained, and no standby copies are made. What is up
    // stays, and is put away when it is idle.
    void drain(bool drained);
    bool drained() const { return drained_; }

    service::Shells shells() const;
    // None: no such service.
    std::optional<service::Report> report(service::Id service) const;
    // None: no such service.
    std::optional<service::Status> status(service::Id service) const;
    // Of all services.
    std::vector<service::Status> statuses() const;

    // Takes no more wakes; destroys standby copies, domains with destroy_on_exit and those not
    // built to the end, leaves the rest running; then calls done.
    void stop(std::function<void()> done);

    // When tick() has to be called next; none while nothing is timed. Any other call, and any
    // callback of the hypervisor, can change it.
    std::optional<base::TimePoint> next_deadline() const;
    void tick();

  private:
    Lifecycle* find(service::Id service) const;
    const Lifecycle* resembling(const service::Instance& made) const;
    void add(const service::Instance& service);
    void reconfigure_instances();
    Lifecycle* adoptive(const Found& domain);
    void meter_instances();
    std::optional<base::TimePoint> forgettable_at(service::Id instance) const;
    void forget_instances();
    void publish(service::Id service);
    void told(WakeRecord& record);
    void add_wake(const WakeRecord& record);
    // More is known of a wake. Forgotten ones stay so.
    void amend(std::uint64_t number, const std::function<void(WakeRecord&)>& how);
    void remember();
    void remember_leases(const Remembered& remembered);
    void keep_changes();
    void died(DomId domid, Death how);
    std::optional<base::TimePoint> next_sample() const;
    bool sample_traffic();
    void follow_up();
    void look_at_all();
    void look_at_pressure();
    void configure_replicas(const std::vector<service::Instance>& services);
    void look_at_replicas();

    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    const base::WallClock& wall_clock_;
    std::function<void(const service::Status&)> changed_;
    Ledger& ledger_;
    std::function<void(const WakeRecord&)> told_wake_;
    std::deque<WakeRecord> wakes_;
    std::uint64_t wakes_told_ = 0;  // the last one's number
    std::set<service::Id> unkept_;  // that the ledger may have to be told of
    std::map<service::Id, Kept> kept_;
    std::map<service::Id, std::unique_ptr<Lifecycle>> lifecycles_;
    // All but those that were dormant when they were looked at last, so that what happens costs as
    // much as there is going on, however many services sleep.
    std::map<service::Id, Lifecycle*> busy_;
    std::set<service::Id> configured_;
    std::map<service::Id, std::shared_ptr<const service::Template>> patterns_;
    std::map<service::Id, service::Id> instances_;  // and whose they are
    std::unique_ptr<Leases> leases_;
    bool pool_full_ = false;         // said once
    std::set<service::Id> metered_;  // of those
    std::function<void(const service::Instance&, bool)> told_instance_;
    std::unique_ptr<Standby> standby_;
    std::unique_ptr<Admission> admission_;
    std::unique_ptr<Pressure> pressure_;
    std::function<void()> told_pressure_;
    std::unique_ptr<Replicas> replicas_;
    std::map<service::Id, std::vector<service::Id>> replicated_;  // by the first one, in order
    std::function<void(const Load&)> told_load_;
    std::vector<std::unique_ptr<Domain>> strays_;  // of ours, on their way out
    std::function<void()> stopped_;
    base::TimePoint last_sample_{};
    bool follow_up_due_ = false;
    bool drained_ = false;
    bool traffic_failed_ = false;  // logged once, not at every sample
};

}  // namespace summond::vm
