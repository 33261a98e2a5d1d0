#include "toolstack.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "libxl_operations.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

constexpr std::chrono::seconds quiet_before_spare{1};

vm::Death death(std::uint8_t reason) {
    switch (reason) {
        case LIBXL_SHUTDOWN_REASON_POWEROFF:
            return vm::Death::poweroff;
        case LIBXL_SHUTDOWN_REASON_REBOOT:
            return vm::Death::reboot;
        case LIBXL_SHUTDOWN_REASON_SUSPEND:
            return vm::Death::suspend;
        case LIBXL_SHUTDOWN_REASON_WATCHDOG:
            return vm::Death::watchdog;
        default:
            return vm::Death::crash;
    }
}

[[noreturn]] void disaster(void*, libxl_event_type, const char* message, int errnoval) {
    // libxl can no longer report events: a new process that adopts the domains is the way on.
    spdlog::critical("libxl failed: {} ({})", message, std::generic_category().message(errnoval));
    std::_Exit(1);
}

// libxl_event.h: no other children than libxl's are in this process.
constexpr libxl_childproc_hooks children{libxl_sigchld_owner_libxl_always, nullptr, nullptr};

}  // namespace

Toolstack::Toolstack(boost::asio::io_context& io)
    : events(io),
      dom0_memory(io),
      saves(io),
      operations(io, [this] { make_spares(); }),
      spare_timer_(io) {}

Toolstack::~Toolstack() {
    // With an operation outstanding the context cannot be freed; the process is ending anyway.
    if (!operations.none())
        return;
    deaths.clear();
    libxl_ctx_free(ctx);
}

base::Result<void> Toolstack::open() {
    if (const int rc = libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, log.logger()); rc != 0) {
        ctx = nullptr;
        return base::error(explain("cannot reach Xen", log.last(), rc));
    }
    if (auto r = control.open(); !r)
        return r;
    dom0_memory.open(ctx);
    deaths.open(ctx, log);
    events.attach(ctx);
    libxl_childproc_setmode(ctx, &children, nullptr);
    static const libxl_event_hooks hooks{LIBXL_EVENTMASK_ALL, event_occurs, disaster};
    libxl_event_register_callbacks(ctx, &hooks, this);
    auto opened = XenStore::open(io());
    if (!opened)
        return tl::make_unexpected(opened.error());
    xenstore = std::move(*opened);
    auto plumber = Vifs::open(io(), *xenstore);
    if (!plumber)
        return tl::make_unexpected(plumber.error());
    vifs = std::move(*plumber);
    auto waits = Readiness::open(io(), *xenstore);
    if (!waits)
        return tl::make_unexpected(waits.error());
    readiness = std::move(*waits);
    return announcer.open();
}

void Toolstack::post(std::function<void()> what) {
    boost::asio::post(io(), std::move(what));
}

void Toolstack::want_spares(std::size_t wanted) {
    spares_wanted_ = wanted;
    make_spares();
}

// One at a time, when nothing has been built or destroyed for a while.
void Toolstack::make_spares() {
    spare_timer_.expires_after(quiet_before_spare);
    spare_timer_.async_wait([this](const auto& ec) {
        if (!ec && operations.none() && vifs->add_spare(spares_wanted_))
            make_spares();
    });
}

void Toolstack::event_occurs(void* user, libxl_event* event) {
    auto* self = static_cast<Toolstack*>(user);
    std::optional<vm::Death> how;
    if (event->type == LIBXL_EVENT_TYPE_OPERATION_COMPLETE)
        self->operations.over(event->for_user, event->u.operation_complete.rc);
    else if (event->type == LIBXL_EVENT_TYPE_DOMAIN_SHUTDOWN)
        how = death(event->u.domain_shutdown.shutdown_reason);
    else if (event->type == LIBXL_EVENT_TYPE_DOMAIN_DEATH)
        how = vm::Death::gone;
    const vm::DomId domid = event->domid;
    libxl_event_free(self->ctx, event);
    if (how)
        self->post([self, domid, how] { self->shut_down(domid, *how); });
}

void Toolstack::shut_down(vm::DomId domid, vm::Death how) {
    if (!deaths.has(domid))
        return;
    if (how == vm::Death::gone) {
        deaths.unwatch(domid);
        readiness->forget(domid);
        if (vifs->gone(domid))
            return;  // it had not been given out
    }
    if (how == vm::Death::suspend && suspend_requests.may_obey(domid)) {
        resume(*this, domid, [domid](const base::Result<void>& r) {
            if (!r)
                spdlog::error("domid {} has suspended itself: {}", domid, r.error().what);
        });
        return;
    }
    if (died)
        died(domid, how);
}

}  // namespace summond::xen
