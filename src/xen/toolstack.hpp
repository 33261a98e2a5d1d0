// What libxl's operations share: its context and events, xenstore, vifs, readiness, the files of
// suspended domains. One thread, io's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "control.hpp"
#include "death_watches.hpp"
#include "dom0_memory.hpp"
#include "libxl.hpp"
#include "log.hpp"
#include "operations.hpp"
#include "osevent.hpp"
#include "readiness.hpp"
#include "saves.hpp"
#include "summond/host/announce.hpp"
#include "summond/host/traffic_meter.hpp"
#include "summond/vm/hypervisor.hpp"
#include "suspend_requests.hpp"
#include "vifs.hpp"
#include "xenstore.hpp"

namespace summond::xen {

class Create;
class Save;

struct Toolstack {
    explicit Toolstack(boost::asio::io_context& io);
    ~Toolstack();
    Toolstack(const Toolstack&) = delete;
    Toolstack& operator=(const Toolstack&) = delete;
    // Error: not a dom0, or its xenstored does not answer.
    base::Result<void> open();

    boost::asio::io_context& io() { return events.io(); }
    void post(std::function<void()> what);
    // Up to so many vifs are made before anybody asks, in quiet moments.
    void want_spares(std::size_t wanted);

    // In the order in which they are made; ctx is freed before all others.
    OsEvents events;
    XenLog log;
    libxl_ctx* ctx = nullptr;
    Control control;
    Dom0Memory dom0_memory;
    DeathWatches deaths;
    std::unique_ptr<XenStore> xenstore;
    std::unique_ptr<Vifs> vifs;
    std::unique_ptr<Readiness> readiness;
    host::TrafficMeter meter;
    host::Announcer announcer;
    Saves saves;
    SuspendRequests suspend_requests;
    std::function<void(vm::DomId, vm::Death)> died;
    Operations operations;
    std::deque<Create*> creates;  // the first is being created or about to be
    std::map<vm::DomId, Save*> saves_under_way;
    std::chrono::steady_clock::time_point finished_at{};  // the last wake (libxl_standby.cpp)

  private:
    void make_spares();
    void shut_down(vm::DomId domid, vm::Death how);
    static void event_occurs(void* user, libxl_event* event);

    boost::asio::steady_timer spare_timer_;
    std::size_t spares_wanted_ = 0;
};

}  // namespace summond::xen
