#include "domain_config.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "domain_options.hpp"
#include "identity.hpp"
#include "summond/service/shell.hpp"
#include "vif_nodes.hpp"

namespace summond::xen {
namespace {

libxl_disk_format format(service::Disk::Format format) {
    switch (format) {
        case service::Disk::Format::raw:
            return LIBXL_DISK_FORMAT_RAW;
        case service::Disk::Format::qcow2:
            return LIBXL_DISK_FORMAT_QCOW2;
        case service::Disk::Format::vhd:
            return LIBXL_DISK_FORMAT_VHD;
        case service::Disk::Format::qcow:
            return LIBXL_DISK_FORMAT_QCOW;
        case service::Disk::Format::qed:
            return LIBXL_DISK_FORMAT_QED;
    }
    return LIBXL_DISK_FORMAT_UNKNOWN;
}

libxl_disk_backend backend(service::Disk::Backend backend) {
    switch (backend) {
        case service::Disk::Backend::any:
            return LIBXL_DISK_BACKEND_UNKNOWN;
        case service::Disk::Backend::phy:
            return LIBXL_DISK_BACKEND_PHY;
        case service::Disk::Backend::qdisk:
            return LIBXL_DISK_BACKEND_QDISK;
    }
    return LIBXL_DISK_BACKEND_UNKNOWN;
}

void set_identity(libxl_domain_create_info& info, const service::Instance& service,
                  unsigned number) {
    info.type =
        service->type == service::DomainType::pv ? LIBXL_DOMAIN_TYPE_PV : LIBXL_DOMAIN_TYPE_PVH;
    const char* const spare = service::is_shell(service) ? "-" : ".standby-";
    info.name =
        copy(number == 0 ? service.name() : service.name() + spare + std::to_string(number));
    const auto uuid = domain_uuid(service.id(), number);
    std::ranges::copy(uuid, info.uuid.uuid);
    // Written with the domain's first xenstore nodes, in one transaction.
    info.xsdata = zeroed<char*>(7);
    info.xsdata[0] = copy(service_mark);
    info.xsdata[1] = copy(service.name());
    char** more = info.xsdata + 2;
    if (!service->rumprun.empty()) {
        *more++ = copy(rumprun_node);
        *more++ = copy(service->rumprun);
    }
    if (number != 0) {
        *more++ = copy(standby_mark);
        *more++ = copy(standby_new);
    }
}

void set_machine(libxl_ctx* ctx, libxl_domain_build_info& info, const service::Template& service,
                 libxl_domain_type type) {
    libxl_domain_build_info_init_type(&info, type);
    info.max_memkb = service.max_memory_kib;
    info.target_memkb = service.memory_kib;
    // libxl's own sum is too small for the page tables of a PVH domain below some 20 MiB.
    if (type == LIBXL_DOMAIN_TYPE_PVH)
        info.shadow_memkb = std::max<std::uint64_t>(
            {libxl_get_required_shadow_memory(service.max_memory_kib, service.max_vcpus),
             service.shadow_memory_kib, std::uint64_t{2048}});
    if (service.pvshim)
        libxl_defbool_set(&info.u.pvh.pvshim, true);
    info.max_vcpus = static_cast<int>(service.max_vcpus);
    if (libxl_cpu_bitmap_alloc(ctx, &info.avail_vcpus, info.max_vcpus) != 0)
        throw std::bad_alloc();
    for (int vcpu = 0; vcpu < static_cast<int>(service.vcpus); ++vcpu)
        libxl_bitmap_set(&info.avail_vcpus, vcpu);
    set_affinities(ctx, info, service);
    if (!service.kernel.empty())
        info.kernel = copy(service.kernel);
    if (!service.bootloader.empty()) {
        info.bootloader = copy(service.bootloader);
        info.bootloader_args = zeroed<char*>(service.bootloader_args.size() + 1);
        std::ranges::transform(service.bootloader_args, info.bootloader_args, copy);
    }
    if (service.ramdisk)
        info.ramdisk = copy(*service.ramdisk);
    if (!service.cmdline.empty())
        info.cmdline = copy(service.cmdline);
}

void set_disks(libxl_domain_config& config, const service::Template& service) {
    config.disks = zeroed<libxl_device_disk>(service.disks.size());
    config.num_disks = static_cast<int>(service.disks.size());
    for (std::size_t i = 0; i < service.disks.size(); ++i) {
        libxl_device_disk& disk = config.disks[i];
        libxl_device_disk_init(&disk);
        disk.pdev_path = copy(service.disks[i].path);
        disk.vdev = copy(service.disks[i].device);
        disk.format = format(service.disks[i].format);
        disk.readwrite = service.disks[i].writable ? 1 : 0;
        disk.is_cdrom = disk.removable = service.disks[i].cdrom ? 1 : 0;
        disk.backend = backend(service.disks[i].backend);
        if (!service.disks[i].script.empty())
            disk.script = copy(service.disks[i].script);
        disk.direct_io_safe = service.disks[i].direct_io_safe;
        if (service.disks[i].discard)
            libxl_defbool_set(&disk.discard_enable, *service.disks[i].discard);
        libxl_defbool_set(&disk.trusted, service.disks[i].trusted);
    }
}

void set_shares(libxl_domain_config& config, const service::Template& service) {
    config.p9s = zeroed<libxl_device_p9>(service.shares.size());
    config.num_p9s = static_cast<int>(service.shares.size());
    for (std::size_t i = 0; i < service.shares.size(); ++i) {
        libxl_device_p9& share = config.p9s[i];
        libxl_device_p9_init(&share);
        share.tag = copy(service.shares[i].tag);
        share.path = copy(service.shares[i].path);
        share.security_model = copy("none");
    }
}

// The interfaces that have a script. The rest are plumbed by summond.
void set_nics(libxl_domain_config& config, const service::Instance& service) {
    config.nics = zeroed<libxl_device_nic>(service->interfaces.size());
    for (std::size_t i = 0; i < service->interfaces.size(); ++i) {
        const service::Interface& interface = service->interfaces[i];
        if (interface.script.empty())
            continue;
        libxl_device_nic& nic = config.nics[config.num_nics++];
        libxl_device_nic_init(&nic);
        nic.devid = static_cast<int>(i);
        nic.nictype = LIBXL_NIC_TYPE_VIF;
        std::ranges::copy(service.mac(i), nic.mac);
        nic.bridge = copy(interface.bridge);
        nic.script = copy(interface.script);
        if (!interface.ip.empty())
            nic.ip = copy(interface.ip);
        if (!interface.gatewaydev.empty())
            nic.gatewaydev = copy(interface.gatewaydev);
        if (!interface.vifname.empty())
            nic.ifname = copy(interface.vifname);
        nic.rate_bytes_per_interval = interface.rate;
        nic.rate_interval_usecs = interface.interval;
        nic.mtu = static_cast<int>(interface.mtu);
        libxl_defbool_set(&nic.trusted, interface.trusted);
    }
}

}  // namespace

std::unique_ptr<DomainConfig> domain_config(libxl_ctx* ctx, const service::Instance& service,
                                            unsigned number) {
    auto result = std::make_unique<DomainConfig>();
    libxl_domain_config& config = result->config;
    set_identity(config.c_info, service, number);
    set_machine(ctx, config.b_info, *service, config.c_info.type);
    set_options(config, *service);
    set_disks(config, *service);
    set_shares(config, *service);
    set_nics(config, service);
    return result;
}

void choose_domid(libxl_domain_config& config, vm::DomId domid) {
    config.c_info.domid = domid;
    // A list of keys and values that ends with a null pointer; written in the transaction that
    // removes what was in the domain's directory.
    std::size_t used = 0;
    while (config.c_info.xsdata[used] != nullptr)
        ++used;
    char** longer = zeroed<char*>(used + 3);
    std::copy_n(config.c_info.xsdata, used, longer);
    longer[used] = copy(spare_state);
    longer[used + 1] = copy(initialising);
    std::free(std::exchange(config.c_info.xsdata, longer));
}

}  // namespace summond::xen
