// What the lifecycles need from a hypervisor, by concern: domains, snapshots of them, the ports of
// standby domains, the traffic meter, the counters of wakes. Small steps, each with its undo.
// Implemented over libxl (module xen), simulated for `--simulate`, and by a fake in the unit tests.
//
// Everything happens on vmm's one thread. A completion is never called before the call that began
// the step has returned. A service is read during the call only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/result.hpp"
#include "summond/service/instance.hpp"
#include "summond/service/status.hpp"
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
    // A standby domain that nobody has woken: the mark that StandbyPorts::rest gave it, empty if
    // it has not come that far.
    std::optional<std::string> standby{};
    unsigned number = 0;  // Domains::build's
    bool saving = true;   // suspended: by a save of ours, not by somebody else
    std::string name{};   // the service's, as it was marked when it was built
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

using Built = std::function<void(tl::expected<DomId, BuildError>)>;
using Saved = std::function<void(tl::expected<void, SaveError>)>;
using Done = std::function<void(base::Result<void>)>;

class Domains {
  public:
    virtual ~Domains() = default;

    // Told when a domain given out by build, or watched after find, shuts down or disappears.
    virtual void on_death(std::function<void(DomId, Death)> callback) = 0;
    // Domains of ours, whatever their state. Never domains of anybody else.
    virtual base::Result<std::vector<Found>> find() = 0;
    // The services whose domains are asked for from now on: what can be got ready for them
    // beforehand is.
    virtual void expect(const std::vector<service::Instance>& services) = 0;

    // Creates the service's domain, paused, marked as ours and with its vif on its bridge, and
    // watches for its death. On error nothing is left.
    // number: 0, or that of a standby domain, 1 to 1023, which no other domain of the service
    // has. Such a one may be there beside the service's domain; its interfaces are up and on no
    // bridge.
    virtual void build(const service::Instance& service, unsigned number, Built done) = 0;
    // Takes over a domain from find: watches for its death.
    virtual base::Result<void> adopt(DomId domid) = 0;
    // Makes a domain that somebody else has made for the service one of ours, watched for its
    // death: one that runs and has its name, and fits it in its interfaces' MACs and bridges, its
    // type, its memory and its UUID, which becomes ours. An error says what does not fit and what
    // would; the domain is as it was then.
    virtual base::Result<Found> claim(const service::Instance& service) = 0;
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
    // Lets a domain go on that is suspended and still there.
    virtual void resume(DomId domid, Done done) = 0;
    // Calls ready once, when the guest shows so that it is ready. Ends with the domain, or with
    // another call for it.
    virtual void await_ready(DomId domid, const service::Instance& service,
                             const service::ReadyHow& how, std::function<void()> ready) = 0;
    // Gives up a domain that has ended, to be looked at: called NAME.preserved, it is no domain of
    // ours any more. One a service: an error if there is one already.
    virtual base::Result<void> preserve(DomId domid, const service::Instance& service) = 0;
    // The last line that the guest has written to its console, of at most 200 printable octets;
    // empty: none, or nobody knows.
    virtual std::string last_console_line(DomId domid) = 0;
    // Ends the domain and removes all that belonged to it. A domain that is not there is no error.
    virtual void destroy(DomId domid, Done done) = 0;
};

// Domains that are suspended to files, one a service.
class Snapshots {
  public:
    virtual ~Snapshots() = default;

    // The files are in this directory from now on.
    virtual void use(const std::string& directory) = 0;
    // Removes what is kept of other services than these, or of other settings than they have now,
    // and what an earlier process had not finished.
    virtual void keep(const std::vector<service::Instance>& services) = 0;
    // Whether restore would find the service as it is configured now.
    virtual bool has(const service::Instance& service) = 0;
    virtual void discard(service::Id service) = 0;

    // Suspends the domain and keeps it in a file; it is not running any more, but still there. On
    // error there is no file and the domain runs on (where it has died, on_death tells). service:
    // as the domain was built. Between the call and done, on_death tells nothing of the domain.
    virtual void save(DomId domid, const service::Instance& service, Saved done) = 0;
    // Makes a save under way end soon, well or with an error.
    virtual void stop_saving(DomId domid) = 0;
    // As Domains::build, but with the memory and the state in which the domain was saved. The file
    // stays.
    virtual void restore(const service::Instance& service, Built done) = 0;
};

// Where the interfaces of standby domains stand, and the mark by which a later process knows
// these domains.
class StandbyPorts {
  public:
    virtual ~StandbyPorts() = default;

    // The domain is paused and waits for its wake from now on, and its readiness for nobody.
    virtual base::Result<void> rest(DomId domid, const service::Instance& service,
                                    const std::string& mark) = 0;
    // A shell (service/shell.hpp), which rests, becomes this service's domain but for its name:
    // what tells it from others is written into it. From here on it can be unpaused or destroyed,
    // by a later process, too. On error it is neither the one nor the other, and to be destroyed.
    virtual base::Result<void> become(DomId domid, const service::Instance& service) = 0;
    // The interfaces of one that runs since a moment ago, onto their bridges. woken is to follow.
    virtual base::Result<void> join(DomId domid, const service::Instance& service) = 0;
    // It has become the service's domain: its mark away, its name and announcements.
    virtual void woken(DomId domid, const service::Instance& service) = 0;
};

class TrafficMeter {
  public:
    virtual ~TrafficMeter() = default;

    // The services whose traffic is counted, from now on. Counts may begin anew.
    virtual base::Result<void> count(const std::vector<service::Instance>& services) = 0;
    // One more, and one less; those of the others go on.
    virtual base::Result<void> count_also(const service::Instance& service) = 0;
    virtual void forget(service::Id service) = 0;
    // Unicast IP packets sent to each service that is counted by whose kind it could be woken
    // (ports, wake_from), and answers to what the guest has begun itself. Not: ARP, neighbour
    // discovery, multicast or broadcast, frames flooded for somebody else, whoever is in
    // idle_ignore. One read for all.
    virtual base::Result<std::vector<Traffic>> read() = 0;
};

// Where people and their tools see how often services have been woken.
class WakeCounters {
  public:
    virtual ~WakeCounters() = default;

    // wakes: all of the service's up to now. Not shown at once: somebody may be waiting for what
    // follows a wake.
    virtual void show(const service::Instance& service, const Wakes& wakes) = 0;
};

class Hypervisor {
  public:
    virtual ~Hypervisor() = default;

    virtual Domains& domains() = 0;
    virtual Snapshots& snapshots() = 0;
    virtual StandbyPorts& standby_ports() = 0;
    virtual TrafficMeter& traffic_meter() = 0;
    virtual WakeCounters& wake_counters() = 0;

    // Where memory of dom0's is given to domains, dom0 keeps so much from now on.
    virtual void keep_for_dom0(std::uint64_t kib) = 0;
};

}  // namespace summond::vm
