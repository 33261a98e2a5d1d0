#include "libxl_backend.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <set>
#include <system_error>

#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/base/log.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/xen/backend.hpp"

namespace summond::xen {
namespace {

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

vm::Found::Run run_of(const libxl_dominfo& info) {
    using Run = vm::Found::Run;
    if (info.shutdown)
        return info.shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND ? Run::suspended : Run::dead;
    return info.paused ? Run::paused : Run::running;
}

constexpr std::chrono::seconds quiet_before_spare{1};
constexpr std::size_t most_spares = 4;
constexpr std::chrono::seconds wakes_shown_within{1};

[[noreturn]] void disaster(void*, libxl_event_type, const char* message, int errnoval) {
    // libxl can no longer report events: a new process that adopts the domains is the way on.
    spdlog::critical("libxl failed: {} ({})", message, std::generic_category().message(errnoval));
    std::_Exit(1);
}

// Into the page cache, without waiting for it: the first wake is not to wait for a disk. A file
// that cannot be read is the wake's business.
void read_ahead(const std::string& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file)
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_WILLNEED);
}

// libxl_event.h: no other children than libxl's are in this process.
constexpr libxl_childproc_hooks children{libxl_sigchld_owner_libxl_always, nullptr, nullptr};

}  // namespace

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
    if (auto r = control_.open(); !r)
        return r;
    dom0_memory_.open(ctx_);
    events_.attach(ctx_);
    libxl_childproc_setmode(ctx_, &children, nullptr);
    static const libxl_event_hooks hooks{LIBXL_EVENTMASK_ALL, event_occurs, disaster};
    libxl_event_register_callbacks(ctx_, &hooks, this);
    auto store = Store::open(events_.io());
    if (!store)
        return tl::make_unexpected(store.error());
    store_ = std::move(*store);
    auto vifs = Vifs::open(events_.io(), *store_);
    if (!vifs)
        return tl::make_unexpected(vifs.error());
    vifs_ = std::move(*vifs);
    auto readiness = Readiness::open(events_.io(), *store_);
    if (!readiness)
        return tl::make_unexpected(readiness.error());
    readiness_ = std::move(*readiness);
    return announcer_.open();
}

// Spares are for quiet moments: one at a time, when nothing has been built or destroyed for a
// while.
void LibxlBackend::operation_ended() {
    --outstanding_;
    make_spares();
}

void LibxlBackend::make_spares() {
    spare_timer_.expires_after(quiet_before_spare);
    spare_timer_.async_wait([this](const auto& ec) {
        if (!ec && outstanding_ == 0 && to_create_.empty() && vifs_->add_spare(spares_wanted_))
            make_spares();
    });
}

base::Result<void> LibxlBackend::meter(const std::vector<service::Template>& services) {
    const auto with_vif = std::ranges::count_if(services, [](const service::Template& service) {
        return !service.interfaces.empty() && service.interfaces.front().script.empty();
    });
    spares_wanted_ = std::min<std::size_t>(static_cast<std::size_t>(with_vif), most_spares);
    make_spares();
    std::set<std::string> files;
    for (const service::Template& service : services) {
        if (!service.bootloader.empty())
            continue;  // what it boots is in its disk
        files.insert(service.kernel);
        if (service.ramdisk)
            files.insert(*service.ramdisk);
    }
    std::ranges::for_each(files, read_ahead);
    return meter_.set(services);
}

// Not at once: nftables takes its time, and somebody waits for what follows a wake.
void LibxlBackend::count_wakes(const service::Template& service, const vm::Wakes& wakes) {
    meter_.count_wakes(service, wakes);
    if (wakes_timer_.expiry() > std::chrono::steady_clock::now())
        return;
    wakes_timer_.expires_after(wakes_shown_within);
    wakes_timer_.async_wait([this](const auto& ec) {
        if (ec)
            return;
        if (const auto r = meter_.write_wakes(); !r)
            spdlog::warn("wakes are not counted: {}", r.error().what);
    });
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
    std::set<vm::DomId> there;
    for (int i = 0; i < count; ++i) {
        const libxl_dominfo& info = domains[i];
        there.insert(info.domid);
        const auto identity = identity_of(info.uuid.uuid);
        if (!identity || info.dying)
            continue;
        const bool complete = store_->read(domain_path(info.domid) + "/" + complete_mark) == "1";
        const bool asked = store_->read(domain_path(info.domid) + "/" + saving_mark).has_value();
        auto mark = store_->read(domain_path(info.domid) + "/" + standby_mark);
        if (mark == standby_new)
            mark->clear();
        found.push_back(
            {info.domid, identity->service, complete, run_of(info), mark, identity->number, asked});
    }
    libxl_dominfo_list_free(domains, count);
    vifs_->sweep(there);
    return found;
}

std::optional<vm::Found::Run> LibxlBackend::run(vm::DomId domid) {
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    std::optional<vm::Found::Run> run;
    if (libxl_domain_info(ctx_, &info, domid) == 0 && !info.dying)
        run = run_of(info);
    libxl_dominfo_dispose(&info);
    return run;
}

// Xen refuses to unpause what is not paused, such as a domain that an administrator has unpaused.
base::Result<void> LibxlBackend::unpause(vm::DomId domid) {
    auto r = control_.unpause(domid);
    if (!r && run(domid) == vm::Found::Run::running)
        return {};
    return r;
}

base::Result<void> LibxlBackend::watch_death(vm::DomId domid) {
    unwatch_death(domid);
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
            self->readiness_->forget(domid);
            if (self->vifs_->gone(domid))
                return;  // it had not been given out
        }
        if (*how == vm::Death::suspend && self->was_asked_to_suspend(domid)) {
            self->resume(domid, [domid](const base::Result<void>& r) {
                if (!r)
                    spdlog::error("domid {} has suspended itself: {}", domid, r.error().what);
            });
            return;
        }
        if (self->died_)
            self->died_(domid, *how);
    });
}

bool LibxlBackend::was_asked_to_suspend(vm::DomId domid) {
    const auto it = may_suspend_.find(domid);
    return it != may_suspend_.end() && std::chrono::steady_clock::now() < it->second;
}

base::Result<void> LibxlBackend::adopt(vm::DomId domid) {
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    if (libxl_domain_info(ctx_, &info, domid) == 0)
        if (const auto identity = identity_of(info.uuid.uuid))
            meter_scripted(domid, identity->service);
    libxl_dominfo_dispose(&info);
    // Woken from standby, and the process before this one has not come to rename it.
    const std::string path = domain_path(domid);
    const auto service = store_->read(path + "/" + service_mark);
    if (service && !store_->read(path + "/" + standby_mark) &&
        store_->read(path + "/name") != service)
        rename(domid, *service);
    if (store_->read(path + "/" + saving_mark))
        withdraw_suspend(domid);
    return watch_death(domid);
}

void LibxlBackend::meter_scripted(vm::DomId domid, service::Id service) {
    for (const ScriptedVif& vif : scripted_vifs(*store_, domid))
        if (const auto r = meter_.count_at(vif.interface, vif.mac, service); !r)
            spdlog::error("the traffic of {} cannot be counted, so domid {} is not put away: {}",
                          vif.interface, domid, r.error().what);
}

base::Result<void> LibxlBackend::pause(vm::DomId domid) {
    if (const int rc = libxl_domain_pause(ctx_, domid, nullptr); rc != 0)
        return base::error(explain("cannot pause", log_.last(), rc));
    return {};
}

// As xl does for preserve and rename-restart; but its UUID in Xen, too, becomes another's, since
// that is what our domains are known by.
base::Result<void> LibxlBackend::preserve(vm::DomId domid, const service::Template& service) {
    const std::string suffix = ".preserved";
    std::uint32_t other = 0;
    if (libxl_name_to_domid(ctx_, (service.name + suffix).c_str(), &other) == 0)
        return base::error(fmt::format("domid {} still is", other));
    rename(domid, service.name);  // it may have been a copy
    libxl_uuid uuid;
    libxl_uuid_generate(&uuid);
    libxl_domain_create_info info;
    libxl_domain_create_info_init(&info);
    info.name = ::strdup(service.name.c_str());
    const int rc = libxl_domain_preserve(ctx_, domid, &info, suffix.c_str(), uuid);
    libxl_domain_create_info_dispose(&info);
    if (rc != 0)
        return base::error(explain("cannot rename it", log_.last(), rc));
    std::array<std::uint8_t, 16> octets{};
    std::ranges::copy(uuid.uuid, octets.begin());
    if (auto r = control_.set_uuid(domid, octets); !r)
        return r;
    unwatch_death(domid);
    may_suspend_.erase(domid);
    readiness_->forget(domid);
    return store_->remove(domain_path(domid) + "/summond");
}

std::string LibxlBackend::last_console_line(vm::DomId domid) {
    // Written by libxl, for xenconsoled; the guest may only read it. A frame of Xen's for PV
    // guests.
    const auto frame = store_->read(domain_path(domid) + "/console/ring-ref");
    return frame ? control_.last_console_line(domid, std::strtoul(frame->c_str(), nullptr, 10))
                 : std::string();
}

void LibxlBackend::destroy(vm::DomId domid, Done done) {
    unwatch_death(domid);
    may_suspend_.erase(domid);
    readiness_->forget(domid);
    auto* destroy = new Destroy{*this, domid, std::move(done)};
    ++outstanding_;
    // First, so that libxl finds no vif to remove by its own means.
    vifs_->remove(domid, [this, destroy](auto result) {
        destroy->vif = std::move(result);
        settle(*destroy);
    });
    const libxl_asyncop_how how{destroy_done, {.for_callback = destroy}};
    log_.of_domain(domid, &destroy->errors);
    if (const int rc = libxl_domain_destroy(ctx_, domid, &how); rc != 0)
        destroy_done(ctx_, rc, destroy);
}

void LibxlBackend::destroy_done(libxl_ctx*, int rc, void* for_callback) {
    auto* destroy = static_cast<Destroy*>(for_callback);
    destroy->backend.post([destroy, rc] {
        destroy->destroyed = rc;
        destroy->backend.settle(*destroy);
    });
}

void LibxlBackend::settle(Destroy& settling) {
    if (!settling.destroyed || !settling.vif)
        return;
    const std::unique_ptr<Destroy> destroy(&settling);
    operation_ended();
    log_.forget_domain(destroy->domid);
    const int rc = *destroy->destroyed;
    if (rc != 0 && rc != ERROR_DOMAIN_NOTFOUND)
        destroy->done(base::error(explain("destroy", destroy->errors.first, rc)));
    else
        destroy->done(std::move(*destroy->vif));
}

base::Result<std::unique_ptr<vm::Backend>> connect(boost::asio::io_context& io) {
    auto backend = std::make_unique<LibxlBackend>(io);
    if (const auto r = backend->open(); !r)
        return tl::make_unexpected(r.error());
    return backend;
}

}  // namespace summond::xen
