#include "summond/vm/domain_settings.hpp"

#include <fmt/format.h>

namespace summond::vm {

std::string domain_settings(const config::Service& service) {
    // Paths and the command line have no control characters (module config).
    std::string text =
        fmt::format("type {} {}\nkernel {}\nramdisk {}\ncmdline {}\nmemory {} {} {}\nvcpus {}\n",
                    static_cast<int>(service.type), service.pvshim, service.kernel,
                    service.ramdisk.value_or(""), service.cmdline, service.memory_kib,
                    service.max_memory_kib, service.shadow_memory_kib, service.vcpus);
    text += fmt::format("rumprun {} {}\n", service.rumprun.size(), service.rumprun);
    for (const config::Interface& interface : service.interfaces)
        text += fmt::format("interface {}\n{}\n{}\n{}\n{}\n{}\n", config::to_string(interface.mac),
                            interface.bridge, interface.script, interface.ip, interface.gatewaydev,
                            interface.vifname);
    for (const config::Disk& disk : service.disks)
        text += fmt::format("disk {}\n{}\n{} {}\n", disk.path, disk.device, disk.writable,
                            static_cast<int>(disk.format));
    return text;
}

}  // namespace summond::vm
