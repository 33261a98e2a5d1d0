// What the lifecycles need from a hypervisor: small steps, each with its undo. Implemented over
// libxl (module xen), simulated for `--simulate`, and by a fake in the unit tests.
//
// Everything happens on vmm's one thread. A completion is never called before the call that began
// the step has returned.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/result.hpp"
#include "summond/service/status.hpp"
#include "summond/service/template.hpp"
#include "summond/service/wake.hpp"
#include "summond/vm/wakes.hpp"

namespace summond::vm {

using service::DomId;

// Why a domain could not be built: broad for DNS clients, exact for the log.
struct BuildError {
    service::WakeFailure why = service::WakeFailure::start_failed;
    std::string what;
    bool image_broken = false;  // restore only: the file is no good, another try would end likewise
};

// Why a domain could not be saved.
struct SaveError {
    std::string what;
    bool refused = false;  // its guest takes no part in being suspended, and would not another time
};

// How a domain ended (SHUTDOWN_* of xen/sched.h), or that it is no longer there at all.
enum class Death : std::uint8_t { poweroff, reboot, suspend, crash, watchdog, gone };

// A domain of ours that was there before this process.
struct Found {
    DomId domid = 0;
    service::Id service = 0;  // may be of no configured service
    bool complete = false;    // it was built to the end and marked so
    enum class Run : std::uint8_t { running, paused, suspended, dead } run = Run::running;
    // A standby copy that nobody has woken: the mark that rest gave it, empty if it has not come
    // that far.
    std::optional<std::string> standby{};
    unsigned number = 0;  // build_copy's, for a domain that was or is a copy
    bool saving = true;   // suspended: by a save of ours, not by somebody else
};

// Packets to a service that keep it, since the meter was set up (a number that only grows).
struct Traffic {
    service::Id service = 0;
    std::uint64_t packets = 0;
    // Of a service with keep_connections: how long ago there was a packet on that of its open
    // connections that has been silent for the shortest time; up to a second less than it was.
    // None: no connection is open.
    std::optional<base::Duration> connection_silent{};
};

class Backend {
  public:
    using Built = std::function<void(tl::expected<DomId, BuildError>)>;
    using Done = std::function<void(base::Result<void>)>;
    using Saved = std::function<void(tl::expected<void, SaveError>)>;

    virtual ~Backend() = default;

    // Told when a domain given out by build, or watched after find, shuts down or disappears.
    virtual void on_death(std::function<void(DomId, Death)> callback) = 0;

    // Domains of ours, whatever their state. Never domains of anybody else.
    virtual base::Result<std::vector<Found>> find() = 0;

    // Creates the service's domain, paused, marked as ours and with its vif on its bridge, and
    // watches for its death. service is read during the call only. On error nothing is left.
    virtual void build(const service::Template& service, Built done) = 0;
    // As build, but a standby copy: it may be there beside the service's domain, its interfaces are
    // up and on no bridge. number: 1 to 1023, of no other domain of the service.
    virtual void build_copy(const service::Template& service, unsigned number, Built done) = 0;
    // Marks a copy, which is paused: it waits for its wake from now on, and its readiness for
    // nobody. service is read during the call only, here and below.
    virtual base::Result<void> rest(DomId domid, const service::Template& service,
                                    const std::string& mark) = 0;
    // The interfaces of a copy, which runs since a moment ago, onto their bridges. woken is to
    // follow.
    virtual base::Result<void> join(DomId domid, const service::Template& service) = 0;
    // A copy has become the service's domain: its mark away, its name and announcements.
    virtual void woken(DomId domid, const service::Template& service) = 0;
    // Takes over a domain from find: watches for its death.
    virtual base::Result<void> adopt(DomId domid) = 0;
    // What the domain does at this moment; none: it is not there. Others may have paused, unpaused
    // or suspended it.
    virtual std::optional<Found::Run> run(DomId domid) = 0;
    // Of a domain that somebody else had suspended and has resumed, on_death tells nothing more
    // unless it is watched again.
    virtual base::Result<void> watch(DomId domid) = 0;

    // A domain that is not paused is no error.
    virtual base::Result<void> unpause(DomId domid) = 0;
    virtual base::Result<void> pause(DomId domid) = 0;
    // Asks the guest to power off. That it does is told by on_death.
    virtual base::Result<void> shutdown(DomId domid) = 0;

    // Where memory of dom0's is given to domains, dom0 keeps so much from now on.
    virtual void keep_for_dom0(std::uint64_t kib) = 0;

    // Suspended domains are files of this directory from now on.
    virtual void save_in(const std::string& directory) = 0;
    // Removes what is kept of other services than these, or of other settings than they have now,
    // and what an earlier process had not finished.
    virtual void keep_saved(const std::vector<service::Template>& services) = 0;
    // Suspends the domain and keeps it in a file; it is not running any more, but still there. On
    // error there is no file and the domain runs on (where it has died, on_death tells). service is
    // read during the call only. Between the call and done, on_death tells nothing of the domain.
    virtual void save(DomId domid, const service::Template& service, Saved done) = 0;
    // Makes a save under way end soon, well or with an error.
    virtual void stop_saving(DomId domid) = 0;
    // Lets a domain go on that is suspended and still there.
    virtual void resume(DomId domid, Done done) = 0;
    // Whether restore would find the service as it is configured now.
    virtual bool saved(const service::Template& service) = 0;
    // As build, but with the memory and the state in which the domain was saved. The file stays.
    virtual void restore(const service::Template& service, Built done) = 0;
    virtual void discard_saved(service::Id service) = 0;

    // Gives up a domain that has ended, to be looked at: called NAME.preserved, it is no domain of
    // ours any more. One a service: an error if there is one already.
    virtual base::Result<void> preserve(DomId domid, const service::Template& service) = 0;

    // Ends the domain and removes all that belonged to it. A domain that is not there is no error.
    virtual void destroy(DomId domid, Done done) = 0;
    // Calls ready once, when the guest shows readiness as the service says. Ends with the domain,
    // or with another call for it.
    // service is read during the call only.
    virtual void await_ready(DomId domid, const service::Template& service,
                             std::function<void()> ready) = 0;

    // The services whose traffic is counted, from now on.
    virtual base::Result<void> meter(const std::vector<service::Template>& services) = 0;
    // Unicast IP packets sent to each metered service by whose kind it could be woken (ports,
    // wake_from), and answers to what the guest has begun itself. Not: ARP, neighbour discovery,
    // multicast or broadcast, frames flooded for somebody else, whoever is in idle_ignore. One read
    // for all.
    virtual base::Result<std::vector<Traffic>> traffic() = 0;
    // Shows beside the traffic how often the service has been woken up to now.
    virtual void count_wakes(const service::Template& service, const Wakes& wakes) = 0;
};

}  // namespace summond::vm
