#include "xl_keys.hpp"

#include <algorithm>
#include <array>

namespace summond::config {

namespace {

constexpr auto honoured = XlFate::honoured;
constexpr auto warning = XlFate::warning;
constexpr auto refused = XlFate::refused;

constexpr std::string_view same = "as the same key of a service";
constexpr std::string_view colo = "COLO's standby host is not driven from here";

constexpr auto keys = std::to_array<XlKeys>({
    {"name memory shadow_memory vcpus cpus cpus_soft pvshim ramdisk", honoured, same},
    {"kernel", honoured, "as the same key of a service; with a bootloader, a file in the disk",
     "bootloader"},
    {"bootloader", honoured, same, "kernel"},
    {"bootloader_args", honoured, "a list; one text is split at its spaces", "kernel"},
    {"type", honoured, "pv, the default, or pvh; hvm is refused, since it needs a device model"},
    {"builder", honoured, "generic is type = 'pv'; hvm is refused", "type"},
    {"cmdline", honoured, "as the same key of a service; braces stand for themselves"},
    {"root extra", honoured, "together the command line, where cmdline is not given", "cmdline"},
    {"maxmem", honoured, "max_memory", "memory max_memory"},
    {"maxvcpus", honoured, "max_vcpus", "vcpus max_vcpus"},
    {"pool cpu_weight cap", honoured, same},
    {"max_grant_frames max_maptrack_frames max_grant_version max_event_channels", honoured, same},
    {"nomigrate driver_domain seclabel init_seclabel passthrough xend_suspend_evtchn_compat "
     "vmtrace_buf_kb cpuid tsc_mode localtime rtc_timeoffset msr_relaxed",
     honoured, same},
    {"e820_host", honoured, "as the same key of a service; pv only"},
    {"hap oos nestedhvm acpi timer_mode altp2m pvshim_path pvshim_cmdline pvshim_extra", honoured,
     "as the same key of a service; pvh only"},
    {"device_tree vpmu tee gic_version vuart", honoured,
     "as the same key of a service; means something on Arm only"},
    {"vif", honoured, "interfaces; see below", "interfaces"},
    {"disk", honoured, "disks; see below", "disks"},
    {"p9", honoured, "as the same key of a service; see below"},
    {"on_poweroff on_reboot on_watchdog on_crash", honoured,
     "destroy, restart, preserve and rename-restart; coredump-destroy and coredump-restart are "
     "refused: xl dump-core does it to a domain that is preserved"},

    {"uuid", warning, "summond knows its domains by UUIDs of its own"},
    {"on_soft_reset", warning, "only guests of type hvm are reset softly"},
    {"vfb vnc vnclisten vncdisplay vncunused vncpasswd vncviewer sdl display xauthority opengl "
     "keymap",
     warning, "the guest gets no framebuffer; its console is xl console"},
    {"device_model device_model_version device_model_override device_model_args "
     "device_model_args_pv device_model_args_hvm device_model_user "
     "device_model_stubdomain_override device_model_stubdomain_seclabel stubdomain_kernel "
     "stubdomain_cmdline stubdomain_ramdisk stubdomain_memory dm_restrict",
     warning, "guests of type pv and pvh have no device model"},
    {"boot hdtype bios bios_path_override firmware_override pae acpi_s3 acpi_s4 "
     "acpi_laptop_slate apic nx hpet altp2mhvm acpi_firmware smbios_firmware ms_vm_genid "
     "vpt_align mmio_hole xen_platform_pci viridian videoram stdvga vga nographic spice spicehost "
     "spiceport spicetls_port spicedisable_ticketing spicepasswd spiceagent_mouse spicevdagent "
     "spice_clipboard_sharing spiceusbredirection spice_image_compression spice_streaming_video "
     "serial soundhw vkb_device usb usbversion usbdevice vendor_device gfx_passthru rdm "
     "rdm_mem_boundary mca_caps",
     warning, "only guests of type hvm have it"},
    {"pci_permissive pci_msitranslate pci_seize pci_power_mgmt", warning,
     "says how the devices in pci are passed through"},
    {"period slice latency extratime", warning,
     "of the sedf scheduler, which Xen has no more; cpu_weight and cap are what there is"},
    {"vif2", warning, "xl ignores it, too"},

    {"firmware", refused,
     "name the file itself in kernel, such as /usr/lib/grub-xen/grub-x86_64-xen.bin",
     "kernel bootloader"},
    {"pci usbctrl usbdev dtdev ioports iomem irqs", refused,
     "hardware of the host is not handed to a domain that anybody's packet can start"},
    {"vtpm pvcalls vdispl vsnd vkb channel", refused,
     "its backend is another program or domain, that would have to come and go with the guest"},
    {"vnuma", refused, "a guest of several NUMA nodes; cpus says on which node it runs"},
});

constexpr auto vif_keys = std::to_array<XlKeys>({
    {"mac bridge rate mtu", honoured, "as the same key of an interface"},
    {"script", honoured,
     "as the same key of an interface; vif-bridge, xl's default, is done by summond itself, unless "
     "it is given as a path"},
    {"vifname", honoured, "as the same key of an interface"},
    {"trusted untrusted", honoured, "trusted of an interface"},
    {"devid", honoured, "its place in the list, counted from 0; another is refused"},
    {"type", honoured, "vif; ioemu is refused: only guests of type hvm have it"},
    {"ip", honoured,
     "for a script; without one, where vif-bridge would let the addresses through a firewall, it "
     "is a warning"},
    {"gatewaydev netdev", honoured, "gatewaydev, for a script; a warning without one"},
    {"model", warning, "only guests of type hvm have emulated interfaces"},
    {"accel", warning, "xl ignores it, too"},
    {"backend", refused, "only dom0 is a backend here, not a driver domain"},
    {"forwarddev", refused, colo},
});

constexpr auto disk_keys = std::to_array<XlKeys>({
    {"target", honoured, "path"},
    {"format", honoured, "raw, qcow, qcow2, vhd and qed; an empty CD drive is left out"},
    {"vdev", honoured, "device, in all forms that libxl takes"},
    {"access", honoured, "mode"},
    {"devtype cdrom", honoured, "cdrom"},
    {"backendtype", honoured, "phy and qdisk; tap and standalone are refused"},
    {"script direct-io-safe", honoured, "as the same key of a disk"},
    {"trusted untrusted", honoured,
     "trusted of a disk, where libxlutil takes it in a file (Debian 12's does not)"},
    {"discard no-discard", honoured, "discard"},
    {"backend", refused, "only dom0 is a backend here, not a driver domain"},
    {"specification", honoured, "xen; virtio is refused: nothing here starts its backend"},
    {"colo colo-host colo-port colo-export active-disk hidden-disk", refused, colo},
});

constexpr auto p9_keys = std::to_array<XlKeys>({
    {"tag path", honoured, "as the same key of p9"},
    {"security_model", honoured, "none, which is all there is"},
    {"backend", refused, "only dom0 is a backend here, not a driver domain"},
});

}  // namespace

std::span<const XlKeys> xl_keys() {
    return keys;
}
std::span<const XlKeys> xl_vif_keys() {
    return vif_keys;
}
std::span<const XlKeys> xl_disk_keys() {
    return disk_keys;
}
std::span<const XlKeys> xl_p9_keys() {
    return p9_keys;
}

std::vector<std::string_view> words(std::string_view separated) {
    std::vector<std::string_view> found;
    while (!separated.empty()) {
        const auto end = std::min(separated.find(' '), separated.size());
        found.push_back(separated.substr(0, end));
        separated.remove_prefix(std::min(end + 1, separated.size()));
    }
    return found;
}

const XlKeys* find_keys(std::span<const XlKeys> table, std::string_view key) {
    const auto found = std::ranges::find_if(
        table, [&](const XlKeys& each) { return std::ranges::count(words(each.keys), key) > 0; });
    return found == table.end() ? nullptr : &*found;
}

}  // namespace summond::config
