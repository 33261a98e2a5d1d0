// Fresh copies of services' domains, built before anybody asks and waiting to be taken. Built one
// at a time, the first wanted first, when the Manager says that there is time and room. A copy that
// is taken is the service's domain from then on and never comes back. vmm's thread only.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::vm {

class Standby {
  public:
    struct Copy {
        DomId domid;
        config::StandbyStage stage;
        std::uint64_t memory_kib;
    };

    // changed: of this service a copy has come, gone or failed.
    Standby(Hypervisor& hypervisor, const base::Clock& clock,
            std::function<void(config::ServiceId)> changed);
    Standby(const Standby&) = delete;
    Standby& operator=(const Standby&) = delete;

    // What is wanted from now on. Copies that are not, or that were built with other settings, are
    // destroyed, and so are the oldest of those that take more than budget_kib.
    void configure(const std::vector<config::Service>& services,
                   std::optional<std::uint64_t> budget_kib);
    // A domain of an earlier process that is marked as a copy: kept if it is fresh and wanted, else
    // destroyed.
    void adopt(const Found& found);
    // No new copy is to have the number of this domain, which was a copy once or still is.
    void met(config::ServiceId service, unsigned number);

    // The oldest that waits. It is not a copy any more.
    std::optional<Copy> take(config::ServiceId service);
    // The one that take would return, if it has booted.
    std::optional<DomId> booted(config::ServiceId service) const;
    // Destroys the oldest that waits, or the one that is being made. False: there is none.
    bool give_back();
    // False: none of the copies.
    bool died(DomId domid, Death how);
    // Begins the next copy, if one is wanted and none is being made. room: whether there is memory
    // for one more of this service.
    void refill(const std::function<bool(const config::Service&)>& room);
    // No more copies; those that there are are destroyed.
    void stop();
    bool settled() const { return copies_.empty(); }

    // Of copies in any state, and of those that are being destroyed.
    std::uint64_t memory_kib() const;
    std::uint64_t leaving_kib() const;
    unsigned domains() const { return static_cast<unsigned>(copies_.size()); }
    unsigned leaving() const;

    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    enum class State : std::uint8_t {
        building,
        booting,
        settling,  // ready, and left alone for a moment
        waiting,
        destroying
    };
    struct Entry {
        config::Service service;  // as it was built
        config::StandbyStage stage;
        unsigned number;
        DomId domid = 0;
        State state = State::building;
        bool unwanted = false;  // building: to be destroyed when it is built
        base::TimePoint begun_at{};
        base::TimePoint since{};  // booting, settling, or the last try to destroy it
        bool destroy_in_flight = false;
    };
    struct Want {
        config::Service service;
        unsigned failures = 0;  // in a row
        base::TimePoint retry_at{};
    };
    using Entries = std::list<Entry>;

    bool fits(const Entry& entry) const;
    unsigned count(config::ServiceId service) const;
    void begin(const config::Service& service);
    void built(Entries::iterator entry, tl::expected<DomId, BuildError> result);
    void boot(Entries::iterator entry);
    void warm_up(const Entry& entry);
    void rest(Entries::iterator entry);
    void fail(Entries::iterator entry, const std::string& what);
    void back_off(config::ServiceId service, const std::string& what);
    void discard(Entries::iterator entry);
    void destroy(Entries::iterator entry);

    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    std::function<void(config::ServiceId)> changed_;
    std::map<config::ServiceId, Want> wanted_;
    std::optional<std::uint64_t> budget_kib_;
    Entries copies_;  // the oldest first
    std::map<config::ServiceId, unsigned> last_number_;
    base::TimePoint refill_at_{};
    bool stopping_ = false;
};

// What a service's domain takes of the host, as libxl reckons it (libxl_domain_need_memory): its
// memory, page tables for PVH, and a little of Xen's own.
std::uint64_t footprint_kib(const config::Service& service);

}  // namespace summond::vm
