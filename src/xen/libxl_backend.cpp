#include "libxl_backend.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "domain_config.hpp"
#include "identity.hpp"
#include "summond/xen/backend.hpp"

namespace summond::xen {
namespace {

// "what: libxl's words", or its number where it said nothing.
std::string explain(const std::string& what, const std::string& said, int rc) {
    return said.empty() ? fmt::format("{}: libxl error {}", what, rc)
                        : fmt::format("{}: {}", what, said);
}

std::optional<vm::BuildError> unreadable(const std::string& what, const std::string& path) {
    if (::access(path.c_str(), R_OK) == 0)
        return std::nullopt;
    return vm::BuildError{
        base::WakeFailure::no_kernel,
        fmt::format("{} {}: {}", what, path, std::generic_category().message(errno))};
}

// Free memory as libxl counts it for this domain, with what it needs beyond its own size.
std::optional<vm::BuildError> lacks_memory(libxl_ctx* ctx, libxl_domain_config& config) {
    std::uint64_t need_kib = 0;
    std::uint64_t free_kib = 0;
    if (libxl_domain_need_memory(ctx, &config, INVALID_DOMID, &need_kib) != 0 ||
        libxl_get_free_memory(ctx, &free_kib) != 0)
        return std::nullopt;  // the build will tell
    if (need_kib <= free_kib)
        return std::nullopt;
    return vm::BuildError{
        base::WakeFailure::no_memory,
        fmt::format("not enough memory: needs {} KiB, Xen has {} KiB free", need_kib, free_kib)};
}

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

// One build under way; libxl holds its address.
struct LibxlBackend::Build {
    LibxlBackend& backend;
    std::string name;
    std::unique_ptr<DomainConfig> config;
    Built done;
    vm::DomId domid = static_cast<vm::DomId>(INVALID_DOMID);
    vm::DomId log_domid = domid;
    ErrorSink errors{};
    bool ended = false;  // libxl has called back
};

struct LibxlBackend::Destroy {
    LibxlBackend& backend;
    vm::DomId domid;
    Done done;
    ErrorSink errors{};
};

LibxlBackend::~LibxlBackend() {
    // With an operation outstanding the context cannot be freed; the process is ending anyway.
    if (outstanding_ != 0)
        return;
    for (const auto& [domid, watch] : death_watches_)
        libxl_evdisable_domain_death(ctx_, watch);
    libxl_ctx_free(ctx_);
}

base::Result<void> LibxlBackend::open() {
    if (const int rc = libxl_ctx_alloc(&ctx_, LIBXL_VERSION, 0, log_.logger()); rc != 0) {
        ctx_ = nullptr;
        return base::error(explain("cannot reach Xen", log_.last(), rc));
    }
    events_.attach(ctx_);
    libxl_childproc_setmode(ctx_, &children, nullptr);
    static const libxl_event_hooks hooks{LIBXL_EVENTMASK_ALL, event_occurs, disaster};
    libxl_event_register_callbacks(ctx_, &hooks, this);
    auto store = Store::open(events_.io());
    if (!store)
        return tl::make_unexpected(store.error());
    store_ = std::move(*store);
    return {};
}

void LibxlBackend::post(std::function<void()> what) {
    boost::asio::post(events_.io(), std::move(what));
}

base::Result<std::vector<vm::Found>> LibxlBackend::find() {
    int count = 0;
    libxl_dominfo* domains = libxl_list_domain(ctx_, &count);
    if (domains == nullptr)
        return base::error(explain("cannot list domains", log_.last(), ERROR_FAIL));
    std::vector<vm::Found> found;
    for (int i = 0; i < count; ++i) {
        const libxl_dominfo& info = domains[i];
        const auto service = service_of(info.uuid.uuid);
        if (!service || info.dying)
            continue;
        const bool complete = store_->read(domain_path(info.domid) + "/" + complete_mark) == "1";
        const auto run = info.shutdown ? vm::Found::Run::dead
                         : info.paused ? vm::Found::Run::paused
                                       : vm::Found::Run::running;
        found.push_back({info.domid, *service, complete, run});
    }
    libxl_dominfo_list_free(domains, count);
    return found;
}

void LibxlBackend::build(const config::Service& service, Begun begun, Built done) {
    auto config = domain_config(ctx_, service);
    auto refused = unreadable("kernel", service.kernel);
    if (!refused && service.ramdisk)
        refused = unreadable("ramdisk", *service.ramdisk);
    if (!refused)
        refused = lacks_memory(ctx_, config->config);
    if (refused) {
        post([done = std::move(done), error = std::move(*refused)] {
            done(tl::make_unexpected(error));
        });
        return;
    }
    auto* build = new Build{*this, service.name, std::move(config), std::move(done)};
    const libxl_asyncop_how how{build_done, {.for_callback = build}};
    ++outstanding_;
    log_.during(&build->errors);
    const int rc =
        libxl_domain_create_new(ctx_, &build->config->config, &build->domid, &how, nullptr);
    log_.during(nullptr);
    if (rc != 0) {  // the callback will not come
        post([this, build, rc] { finish(*build, rc); });
        return;
    }
    // libxl tells the domid only at the end. Memory and kernel are dealt with inside the call
    // (libxl_create.c does the devices alone asynchronously), so no error so far means begun.
    if (const auto domid = domid_of(service.id)) {
        log_.of_domain(build->log_domid = *domid, &build->errors);
        if (!build->ended && build->errors.first.empty())
            post(std::move(begun));
    }
}

std::optional<vm::DomId> LibxlBackend::domid_of(config::ServiceId service) {
    int count = 0;
    libxl_dominfo* domains = libxl_list_domain(ctx_, &count);
    std::optional<vm::DomId> domid;
    for (int i = 0; i < count; ++i)
        if (!domains[i].dying && service_of(domains[i].uuid.uuid) == service)
            domid = domains[i].domid;
    libxl_dominfo_list_free(domains, count);
    return domid;
}

// May run inside libxl_domain_create_new: goes through io, so that nobody is called back early and
// no libxl call is made from inside libxl.
void LibxlBackend::build_done(libxl_ctx*, int rc, void* for_callback) {
    auto* build = static_cast<Build*>(for_callback);
    build->ended = true;
    build->backend.post([build, rc] { build->backend.finish(*build, rc); });
}

void LibxlBackend::finish(Build& finished, int rc) {
    const std::unique_ptr<Build> build(&finished);
    --outstanding_;
    log_.forget_domain(build->log_domid);
    if (rc != 0) {
        // libxl has destroyed what it had built (libxl_domain_create_new, libxl.h).
        vm::BuildError error{base::WakeFailure::start_failed,
                             explain("the domain could not be built", build->errors.first, rc)};
        if (rc == ERROR_NOMEM)
            error.why = base::WakeFailure::no_memory;
        else if (const auto memory = lacks_memory(ctx_, build->config->config))
            error.why = base::WakeFailure::no_memory;
        build->done(tl::make_unexpected(error));
        return;
    }
    auto marked = store_->write(domain_path(build->domid) + "/" + complete_mark, "1");
    if (marked)
        marked = watch_death(build->domid);
    if (marked) {
        build->done(build->domid);
        return;
    }
    destroy(build->domid, [done = std::move(build->done), error = marked.error()](const auto&) {
        done(tl::make_unexpected(vm::BuildError{base::WakeFailure::start_failed, error.what}));
    });
}

base::Result<void> LibxlBackend::watch_death(vm::DomId domid) {
    libxl_evgen_domain_death* watch = nullptr;
    if (const int rc = libxl_evenable_domain_death(ctx_, domid, 0, &watch); rc != 0)
        return base::error(explain("cannot watch the domain", log_.last(), rc));
    death_watches_[domid] = watch;
    return {};
}

void LibxlBackend::unwatch_death(vm::DomId domid) {
    const auto it = death_watches_.find(domid);
    if (it == death_watches_.end())
        return;
    libxl_evdisable_domain_death(ctx_, it->second);
    death_watches_.erase(it);
}

void LibxlBackend::event_occurs(void* user, libxl_event* event) {
    auto* self = static_cast<LibxlBackend*>(user);
    std::optional<vm::Death> how;
    if (event->type == LIBXL_EVENT_TYPE_DOMAIN_SHUTDOWN)
        how = death(event->u.domain_shutdown.shutdown_reason);
    else if (event->type == LIBXL_EVENT_TYPE_DOMAIN_DEATH)
        how = vm::Death::gone;
    const vm::DomId domid = event->domid;
    libxl_event_free(self->ctx_, event);
    if (!how)
        return;
    self->post([self, domid, how] {
        if (!self->death_watches_.contains(domid))
            return;
        if (*how == vm::Death::gone) {
            self->unwatch_death(domid);
            self->store_->forget(domid);
        }
        if (self->died_)
            self->died_(domid, *how);
    });
}

base::Result<void> LibxlBackend::adopt(vm::DomId domid) {
    return watch_death(domid);
}

base::Result<void> LibxlBackend::unpause(vm::DomId domid) {
    if (const int rc = libxl_domain_unpause(ctx_, domid, nullptr); rc != 0)
        return base::error(explain("cannot unpause", log_.last(), rc));
    return {};
}

base::Result<void> LibxlBackend::pause(vm::DomId domid) {
    if (const int rc = libxl_domain_pause(ctx_, domid, nullptr); rc != 0)
        return base::error(explain("cannot pause", log_.last(), rc));
    return {};
}

void LibxlBackend::destroy(vm::DomId domid, Done done) {
    unwatch_death(domid);
    store_->forget(domid);
    auto* destroy = new Destroy{*this, domid, std::move(done)};
    const libxl_asyncop_how how{destroy_done, {.for_callback = destroy}};
    ++outstanding_;
    log_.of_domain(domid, &destroy->errors);
    if (const int rc = libxl_domain_destroy(ctx_, domid, &how); rc != 0)
        post([this, destroy, rc] { finish(*destroy, rc); });
}

void LibxlBackend::destroy_done(libxl_ctx*, int rc, void* for_callback) {
    auto* destroy = static_cast<Destroy*>(for_callback);
    destroy->backend.post([destroy, rc] { destroy->backend.finish(*destroy, rc); });
}

void LibxlBackend::finish(Destroy& finished, int rc) {
    const std::unique_ptr<Destroy> destroy(&finished);
    --outstanding_;
    log_.forget_domain(destroy->domid);
    if (rc == 0 || rc == ERROR_DOMAIN_NOTFOUND)
        destroy->done({});
    else
        destroy->done(base::error(explain("destroy", destroy->errors.first, rc)));
}

void LibxlBackend::await_ready(vm::DomId domid, const config::Ready& how,
                               std::function<void()> ready) {
    if (const auto* key = std::get_if<config::ReadyXenstore>(&how.how)) {
        store_->await(
            domid, key->key, [](const std::string& value) { return !value.empty(); },
            std::move(ready));
        return;
    }
    // XenbusStateConnected, xen/io/xenbus.h
    const std::string state = "device/vif/0/state";
    if (!store_->read(domain_path(domid) + "/" + state)) {
        post(std::move(ready));  // no interface: nothing to wait for
        return;
    }
    store_->await(
        domid, state, [](const std::string& value) { return value == "4"; }, std::move(ready));
}

base::Result<std::unique_ptr<vm::Backend>> connect(boost::asio::io_context& io) {
    auto backend = std::make_unique<LibxlBackend>(io);
    if (const auto r = backend->open(); !r)
        return tl::make_unexpected(r.error());
    return backend;
}

}  // namespace summond::xen
