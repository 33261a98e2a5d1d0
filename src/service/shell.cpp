#include "summond/service/shell.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "summond/service/domain_settings.hpp"

namespace summond::service {
namespace {

// No name of a service or an instance has a + in it.
constexpr std::string_view prefix = "shell+";

bool has_id(std::string_view path) {
    return path.find("{id}") != std::string_view::npos;
}

}  // namespace

// A PV guest, also one in a shim, may have all that is its own in xenstore, as rumprun has.
bool takes_cmdline(const Template& service) {
    return service.type == DomainType::pvh && !service.pvshim;
}

std::string why_no_shell(const Template& service, Host host) {
    if (host == Host::arm64)
        return " has its command line in a device tree, which is written when its domain is built";
    if (!takes_cmdline(service) && service.rumprun.empty())
        return " is a PV guest, whose command line stays as it was built; set type: pvh, if its "
               "kernel can";
    if (!service.bootloader.empty())
        return " has a bootloader, which says what its domain is built from; say kernel: instead";
    if (!service.shares.empty())
        return " has directories (p9), which two domains would have at once; leave p9 out";
    if (std::ranges::any_of(service.disks, &Disk::writable))
        return " has a disk that is written to, which two domains would have at once; set mode: r "
               "for it";
    if (has_id(service.kernel))
        return " has another kernel for each id; leave {id} out of it";
    if (service.ramdisk && has_id(*service.ramdisk))
        return " has another ramdisk for each id; leave {id} out of it";
    if (std::ranges::any_of(service.disks, [](const Disk& disk) { return has_id(disk.path); }))
        return " has other disks for each id; leave {id} out of their paths";
    for (const Interface& interface : service.interfaces) {
        if (!interface.script.empty())
            return " has a hotplug script, which would connect a domain that is nobody's yet; "
                   "leave script out";
        if (!interface.vifname.empty())
            return " has a vifname, which one interface can have; leave vifname out";
    }
    return {};
}

std::optional<Instance> shell_of(const Instance& service) {
    if (service->standby.shells == 0)
        return std::nullopt;
    Template shell = *service;
    shell.pattern.reset();
    shell.names.clear();
    shell.ipv4.clear();
    shell.ipv6.clear();
    shell.rumprun.clear();
    shell.standby = {.count = service->standby.shells, .stage = StandbyStage::built};
    // Room for whatever is to be written there.
    if (takes_cmdline(shell))
        shell.cmdline.assign(max_pvh_cmdline, ' ');
    for (Interface& interface : shell.interfaces)
        interface.mac = {};
    shell.id = id_of(std::string(prefix) + domain_settings(shell));
    shell.name = fmt::format("{}{:08x}", prefix, shell.id >> 32);
    // Until it is somebody's; nothing is sent from there meanwhile.
    for (std::size_t i = 0; i < shell.interfaces.size(); ++i)
        shell.interfaces[i].mac = derived_wide_mac(shell.id, i);
    return Instance(std::move(shell));
}

bool is_shell(const Instance& service) {
    return service.name().starts_with(prefix);
}

}  // namespace summond::service
