#include "summond/service/domain_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace summond::service {

std::string domain_settings(const Instance& service) {
    // Paths and the command line have no control characters (module config).
    std::string text = fmt::format(
        "type {} {}\nkernel {}\nramdisk {}\ncmdline {}\nmemory {} {} {}\nvcpus {} {}\n",
        static_cast<int>(service->type), service->pvshim, service->kernel,
        service->ramdisk.value_or(""), service->cmdline, service->memory_kib,
        service->max_memory_kib, service->shadow_memory_kib, service->vcpus, service->max_vcpus);
    text += fmt::format("bootloader {}\n{}\n", service->bootloader,
                        fmt::join(service->bootloader_args, "\n"));
    for (const Affinity* cpus : {&service->cpus, &service->cpus_soft})
        text += fmt::format("cpus {} {}\n", cpus->each, fmt::join(cpus->cpus, "\n"));
    for (const auto& [key, value] : service->options)
        text += fmt::format("{} {} {}\n", key, value.size(), value);
    text += fmt::format("rumprun {} {}\n", service->rumprun.size(), service->rumprun);
    for (std::size_t i = 0; i < service->interfaces.size(); ++i) {
        const Interface& interface = service->interfaces[i];
        text += fmt::format("interface {}\n{}\n{}\n{}\n{}\n{}\n{} {} {} {}\n",
                            to_string(service.mac(i)), interface.bridge, interface.script,
                            interface.ip, interface.gatewaydev, interface.vifname, interface.rate,
                            interface.interval, interface.mtu, interface.trusted);
    }
    for (const Disk& disk : service->disks)
        text += fmt::format("disk {}\n{}\n{} {}\n{}\n{} {} {} {} {}\n", disk.path, disk.device,
                            disk.writable, static_cast<int>(disk.format), disk.script,
                            static_cast<int>(disk.backend), disk.cdrom, disk.direct_io_safe,
                            disk.discard ? static_cast<int>(*disk.discard) : -1, disk.trusted);
    for (const Share& share : service->shares)
        text += fmt::format("share {}\n{}\n", share.tag, share.path);
    return text;
}

}  // namespace summond::service
