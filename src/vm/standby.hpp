// Standby domains, the spares: fresh domains of services, built before anybody asks and waiting to
// be taken. Built one at a time, the first wanted first, when the Manager says that there is time
// and room. One that is taken is the service's domain from then on and never comes back. vmm's
// thread only.
//
// Shells are the spares of a service that nobody asks for (service/shell.hpp), and become the
// domain of another one when they are taken.
//
//   a spare is       until
//   building         it is built: booting, or waiting if that is its stage
//   booting          its guest is ready: settling
//   settling         it has had a moment: paused, waiting
//   waiting          it is taken
//   destroying       nothing is left. From any other, where it fails, dies or is not wanted
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "domain.hpp"
#include "summond/base/clock.hpp"
#include "summond/service/report.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::vm {

class Standby {
  public:
    // changed: of this service a spare has come, gone or failed, or has a deadline.
    Standby(Hypervisor& hypervisor, const base::Clock& clock,
            std::function<void(service::Id)> changed);
    Standby(const Standby&) = delete;
    Standby& operator=(const Standby&) = delete;

    // What is wanted from now on. Spares that are not, or that were built with other settings,
    // are destroyed, and so are the oldest of those that take more than budget_kib. services: with
    // the patterns.
    void configure(const std::vector<service::Instance>& services,
                   std::optional<std::uint64_t> budget_kib);
    // A domain of an earlier process that is marked as a spare: kept if it is fresh and wanted,
    // else destroyed.
    void adopt(const Found& found);
    // No new spare is to have the number of this domain, which was one once or still is.
    void met(service::Id service, unsigned number);

    // The oldest that waits, or else a shell that can become its domain; null: none does. It is
    // not ours any more.
    std::unique_ptr<Domain> take(const service::Instance& service);
    // The one that take would return, if it has booted.
    std::optional<DomId> booted(service::Id service) const;
    // Of this service: how many there are that are not being destroyed, and what all of them take.
    unsigned count(service::Id service) const;
    std::uint64_t memory_kib(service::Id service) const;
    // How many shells there are to be, how many there are, and what these take.
    service::Shells shells() const;
    // Destroys the oldest shell that waits, else the oldest that waits, or the one that is being
    // made. False: there is none.
    bool give_back();
    // False: none of the spares.
    bool died(DomId domid, Death how);
    // Begins the next spare, if one is wanted and none is being made. room: whether there is
    // memory for one more of this service.
    void refill(const std::function<bool(const service::Instance&)>& room);
    // No more spares; those that there are are destroyed.
    void stop();
    bool quiescent() const { return spares_.empty(); }

    // Of spares in any state, and of those that are being destroyed.
    std::uint64_t memory_kib() const;
    std::uint64_t leaving_kib() const;
    unsigned domains() const { return static_cast<unsigned>(spares_.size()); }
    unsigned leaving() const;

    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Building {
        bool unwanted = false;  // to be destroyed when it is built
    };
    struct Booting {};
    struct Settling {
        base::TimePoint until{};
    };
    struct Waiting {};
    struct Destroying {};
    struct Spare {
        std::unique_ptr<Domain> domain;
        std::variant<Building, Booting, Settling, Waiting, Destroying> state;

        template <typename S>
        bool is() const {
            return std::holds_alternative<S>(state);
        }
        bool leaves() const {
            const auto* building = std::get_if<Building>(&state);
            return is<Destroying>() || (building != nullptr && building->unwanted);
        }
        const service::Instance& service() const { return domain->service(); }
    };
    struct Want {
        service::Instance service;
        unsigned failures = 0;  // in a row
        base::TimePoint retry_at{};
    };
    using Spares = std::list<Spare>;
    using Each = Spares::iterator;

    bool fits(const Spare& spare) const;
    Spares::const_iterator waiting(service::Id service) const;
    std::unique_ptr<Domain> take_one(service::Id service);
    void begin(const service::Instance& service);
    void built(Each spare, tl::expected<void, BuildError> result);
    void boot(Each spare);
    void rest(Each spare);
    void fail(Each spare, const std::string& what);
    void back_off(service::Id service, const std::string& what);
    void discard(Each spare);
    void destroy(Each spare);

    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    std::function<void(service::Id)> changed_;
    std::map<service::Id, Want> wanted_;
    std::optional<std::uint64_t> budget_kib_;
    Spares spares_;  // the oldest first
    std::map<service::Id, unsigned> last_number_;
    base::TimePoint refill_at_{};
    bool stopping_ = false;
};

}  // namespace summond::vm
