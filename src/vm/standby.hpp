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
#include "summond/vm/backend.hpp"

namespace summond::vm {

class Standby {
  public:
    struct Copy {
        DomId domid;
        service::StandbyStage stage;
        std::uint64_t memory_kib;
    };

    // changed: of this service a copy has come, gone or failed.
    Standby(Backend& backend, const base::Clock& clock, std::function<void(service::Id)> changed);
    Standby(const Standby&) = delete;
    Standby& operator=(const Standby&) = delete;

    // What is wanted from now on. Copies that are not, or that were built with other settings, are
    // destroyed, and so are the oldest of those that take more than budget_kib.
    void configure(const std::vector<service::Template>& services,
                   std::optional<std::uint64_t> budget_kib);
    // A domain of an earlier process that is marked as a copy: kept if it is fresh and wanted, else
    // destroyed.
    void adopt(const Found& found);
    // No new copy is to have the number of this domain, which was a copy once or still is.
    void met(service::Id service, unsigned number);

    // The oldest that waits. It is not a copy any more.
    std::optional<Copy> take(service::Id service);
    // The one that take would return, if it has booted.
    std::optional<DomId> booted(service::Id service) const;
    // Destroys the oldest that waits, or the one that is being made. False: there is none.
    bool give_back();
    // False: none of the copies.
    bool died(DomId domid, Death how);
    // Begins the next copy, if one is wanted and none is being made. room: whether there is memory
    // for one more of this service.
    void refill(const std::function<bool(const service::Template&)>& room);
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
        service::Template service;  // as it was built
        service::StandbyStage stage;
        unsigned number;
        DomId domid = 0;
        State state = State::building;
        bool unwanted = false;  // building: to be destroyed when it is built
        base::TimePoint begun_at{};
        base::TimePoint since{};  // booting, settling, or the last try to destroy it
        bool destroy_in_flight = false;
    };
    struct Want {
        service::Template service;
        unsigned failures = 0;  // in a row
        base::TimePoint retry_at{};
    };
    using Entries = std::list<Entry>;

    bool fits(const Entry& entry) const;
    unsigned count(service::Id service) const;
    void begin(const service::Template& service);
    void built(Entries::iterator entry, tl::expected<DomId, BuildError> result);
    void boot(Entries::iterator entry);
    void warm_up(const Entry& entry);
    void rest(Entries::iterator entry);
    void fail(Entries::iterator entry, const std::string& what);
    void back_off(service::Id service, const std::string& what);
    void discard(Entries::iterator entry);
    void destroy(Entries::iterator entry);

    Backend& backend_;
    const base::Clock& clock_;
    std::function<void(service::Id)> changed_;
    std::map<service::Id, Want> wanted_;
    std::optional<std::uint64_t> budget_kib_;
    Entries copies_;  // the oldest first
    std::map<service::Id, unsigned> last_number_;
    base::TimePoint refill_at_{};
    bool stopping_ = false;
};

}  // namespace summond::vm
