#include "libxl_domains.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "identity.hpp"
#include "summond/base/log.hpp"
#include "summond/base/unique_fd.hpp"

namespace summond::xen {
namespace {

constexpr std::size_t most_spares = 4;

vm::Found::Run run_of(const libxl_dominfo& info) {
    using Run = vm::Found::Run;
    if (info.shutdown)
        return info.shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND ? Run::suspended : Run::dead;
    return info.paused ? Run::paused : Run::running;
}

// Into the page cache, without waiting for it: the first wake is not to wait for a disk. A file
// that cannot be read is the wake's business.
void read_ahead(const std::string& path) {
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file)
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_WILLNEED);
}

// Ends when the guest has acknowledged it, or at the domain's end.
class Shutdown final : public Operation {
  public:
    explicit Shutdown(Toolstack& toolstack) : toolstack_(toolstack) {}

    base::Result<void> begin(vm::DomId domid) {
        const auto asynchronous = how();
        const int rc = libxl_domain_shutdown(toolstack_.ctx, domid, &asynchronous);
        if (rc == 0)
            return {};
        const auto self = toolstack_.operations.take(*this);
        return base::error(explain("cannot ask for a shutdown", toolstack_.log.last(), rc));
    }

  private:
    void ended(int) override { toolstack_.operations.take(*this); }

    Toolstack& toolstack_;
};

}  // namespace

base::Result<std::vector<vm::Found>> LibxlDomains::find() {
    int count = 0;
    libxl_dominfo* domains = libxl_list_domain(toolstack_.ctx, &count);
    if (domains == nullptr)
        return base::error(explain("cannot list domains", toolstack_.log.last(), ERROR_FAIL));
    std::vector<vm::Found> found;
    std::set<vm::DomId> there;
    const XenStore& xenstore = *toolstack_.xenstore;
    for (int i = 0; i < count; ++i) {
        const libxl_dominfo& info = domains[i];
        there.insert(info.domid);
        const auto identity = identity_of(info.uuid.uuid);
        if (!identity || info.dying)
            continue;
        const std::string path = domain_path(info.domid) + "/";
        const bool complete = xenstore.read(path + complete_mark) == "1";
        const bool asked = SuspendRequests::stands(xenstore.read(path + saving_mark),
                                                   std::chrono::steady_clock::now());
        auto mark = xenstore.read(path + standby_mark);
        if (mark == standby_new)
            mark->clear();
        found.push_back({info.domid, identity->service, complete, run_of(info), mark,
                         identity->number, asked, xenstore.read(path + service_mark).value_or("")});
    }
    libxl_dominfo_list_free(domains, count);
    toolstack_.vifs->sweep(there);
    return found;
}

void LibxlDomains::expect(const std::vector<service::Instance>& services) {
    const auto with_vif = std::ranges::count_if(services, [](const service::Instance& service) {
        return !service->interfaces.empty() && service->interfaces.front().script.empty();
    });
    toolstack_.want_spares(std::min<std::size_t>(static_cast<std::size_t>(with_vif), most_spares));
    std::set<std::string> files;
    for (const service::Instance& service : services) {
        if (!service->bootloader.empty())
            continue;  // what it boots is in its disk
        files.insert(service->kernel);
        if (service->ramdisk)
            files.insert(*service->ramdisk);
    }
    std::ranges::for_each(files, read_ahead);
}

std::optional<vm::Found::Run> run_of(Toolstack& toolstack, vm::DomId domid) {
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    std::optional<vm::Found::Run> run;
    if (libxl_domain_info(toolstack.ctx, &info, domid) == 0 && !info.dying)
        run = run_of(info);
    libxl_dominfo_dispose(&info);
    return run;
}

// Xen refuses to unpause what is not paused, such as a domain that an administrator has unpaused.
base::Result<void> LibxlDomains::unpause(vm::DomId domid) {
    auto r = toolstack_.control.unpause(domid);
    if (!r && run(domid) == vm::Found::Run::running)
        return {};
    return r;
}

base::Result<void> LibxlDomains::pause(vm::DomId domid) {
    if (const int rc = libxl_domain_pause(toolstack_.ctx, domid, nullptr); rc != 0)
        return base::error(explain("cannot pause", toolstack_.log.last(), rc));
    return {};
}

base::Result<void> LibxlDomains::shutdown(vm::DomId domid) {
    return toolstack_.operations.add(std::make_unique<Shutdown>(toolstack_)).begin(domid);
}

base::Result<void> LibxlDomains::adopt(vm::DomId domid) {
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    if (libxl_domain_info(toolstack_.ctx, &info, domid) == 0)
        if (const auto identity = identity_of(info.uuid.uuid))
            meter_scripted(toolstack_, domid, identity->service);
    libxl_dominfo_dispose(&info);
    // Woken from standby, and the process before this one has not come to rename it.
    XenStore& xenstore = *toolstack_.xenstore;
    const std::string path = domain_path(domid);
    const auto service = xenstore.read(path + "/" + service_mark);
    if (service && !xenstore.read(path + "/" + standby_mark) &&
        xenstore.read(path + "/name") != service)
        rename(toolstack_, domid, *service);
    if (SuspendRequests::stands(xenstore.read(path + "/" + saving_mark),
                                std::chrono::steady_clock::now()))
        toolstack_.suspend_requests.withdraw(xenstore, domid,
                                             run(domid) == vm::Found::Run::suspended);
    return toolstack_.deaths.watch(domid);
}

void meter_scripted(Toolstack& toolstack, vm::DomId domid, service::Id service) {
    for (const ScriptedVif& vif : scripted_vifs(*toolstack.xenstore, domid))
        if (const auto r = toolstack.meter.count_at(vif.interface, vif.mac, service); !r)
            spdlog::error("the traffic of {} cannot be counted, so domid {} is not put away: {}",
                          vif.interface, domid, r.error().what);
}

void rename(Toolstack& toolstack, vm::DomId domid, const std::string& name) {
    if (const int rc = libxl_domain_rename(toolstack.ctx, domid, nullptr, name.c_str()); rc != 0)
        spdlog::warn("domid {} is not called {} in xl list: {}", domid, name,
                     explain("rename", toolstack.log.last(), rc));
}

// As xl does for preserve and rename-restart; but its UUID in Xen, too, becomes another's, since
// that is what our domains are known by.
base::Result<void> LibxlDomains::preserve(vm::DomId domid, const service::Instance& service) {
    const std::string suffix = ".preserved";
    std::uint32_t other = 0;
    if (libxl_name_to_domid(toolstack_.ctx, (service.name() + suffix).c_str(), &other) == 0)
        return base::error(fmt::format("domid {} still is", other));
    rename(toolstack_, domid, service.name());  // it may have been a standby domain
    libxl_uuid uuid;
    libxl_uuid_generate(&uuid);
    libxl_domain_create_info info;
    libxl_domain_create_info_init(&info);
    info.name = ::strdup(service.name().c_str());
    const int rc = libxl_domain_preserve(toolstack_.ctx, domid, &info, suffix.c_str(), uuid);
    libxl_domain_create_info_dispose(&info);
    if (rc != 0)
        return base::error(explain("cannot rename it", toolstack_.log.last(), rc));
    std::array<std::uint8_t, 16> octets{};
    std::ranges::copy(uuid.uuid, octets.begin());
    if (auto r = toolstack_.control.set_uuid(domid, octets); !r)
        return r;
    toolstack_.deaths.unwatch(domid);
    toolstack_.suspend_requests.forget(domid);
    toolstack_.readiness->forget(domid);
    return toolstack_.xenstore->remove(domain_path(domid) + "/summond");
}

std::string LibxlDomains::last_console_line(vm::DomId domid) {
    // Written by libxl, for xenconsoled; the guest may only read it. A frame of Xen's for PV
    // guests.
    const auto frame = toolstack_.xenstore->read(domain_path(domid) + "/console/ring-ref");
    return frame ? toolstack_.control.last_console_line(domid,
                                                        std::strtoul(frame->c_str(), nullptr, 10))
                 : std::string();
}

}  // namespace summond::xen
