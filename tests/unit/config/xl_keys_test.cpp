// Every key of xl.cfg(5), xl-disk-configuration(5) and xl-network-configuration(5) of Xen 4.17, and
// of xl's parser besides (tools/xl/xl_parse.c): what becomes of it, in the code and in the docs.
#include "xl_keys.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "files_given.hpp"
#include "options.hpp"

namespace summond::config {
namespace {

// As they stand in the man page, from its begin to its end.
constexpr std::string_view man_page =
    "name type builder pool vcpus maxvcpus cpus cpus_soft cpu_weight cap memory maxmem vnuma "
    "on_poweroff on_reboot on_watchdog on_crash on_soft_reset kernel ramdisk cmdline root extra "
    "firmware pvshim pvshim_path pvshim_cmdline pvshim_extra uuid seclabel init_seclabel "
    "max_grant_frames max_maptrack_frames max_grant_version nomigrate driver_domain device_tree "
    "passthrough xend_suspend_evtchn_compat vmtrace_buf_kb vpmu disk vif vtpm p9 pvcalls vfb "
    "channel rdm usbctrl usbdev pci pci_permissive pci_msitranslate pci_seize pci_power_mgmt "
    "gfx_passthru rdm_mem_boundary dtdev ioports iomem irqs max_event_channels vdispl dm_restrict "
    "device_model_user vsnd vkb tee bootloader bootloader_args e820_host boot hdtype hap oos "
    "shadow_memory bios bios_path_override pae acpi acpi_s3 acpi_s4 acpi_laptop_slate apic nx hpet "
    "altp2m altp2mhvm nestedhvm cpuid acpi_firmware smbios_firmware ms_vm_genid tsc_mode localtime "
    "rtc_timeoffset vpt_align timer_mode mmio_hole xen_platform_pci viridian videoram stdvga vga "
    "vnc vnclisten vncdisplay vncunused vncpasswd keymap sdl opengl nographic spice spicehost "
    "spiceport spicetls_port spicedisable_ticketing spicepasswd spiceagent_mouse spicevdagent "
    "spice_clipboard_sharing spiceusbredirection spice_image_compression spice_streaming_video "
    "serial soundhw vkb_device usb usbversion usbdevice vendor_device device_model_version "
    "device_model_override stubdomain_kernel stubdomain_cmdline stubdomain_ramdisk "
    "stubdomain_memory device_model_stubdomain_override device_model_stubdomain_seclabel "
    "device_model_args device_model_args_pv device_model_args_hvm gic_version vuart mca_caps "
    "msr_relaxed";
// Read by xl, and not in the man page at its own place.
constexpr std::string_view parser_only =
    "period slice latency extratime vncviewer device_model firmware_override display xauthority "
    "vif2";
constexpr std::string_view man_vif =
    "mac bridge gatewaydev netdev type model vifname script ip backend rate devid mtu trusted "
    "untrusted accel forwarddev";
constexpr std::string_view man_disk =
    "target format vdev access devtype cdrom backend backendtype script direct-io-safe discard "
    "no-discard trusted untrusted specification colo colo-host colo-port colo-export active-disk "
    "hidden-disk";
constexpr std::string_view man_p9 = "tag security_model path backend";

// A file with this line, for a guest of this type. What it has to have is on lines 1 to 3.
std::string file_with(const std::string& line, const std::string& type = "pv") {
    return "vif = ['']; name = 'www'\nkernel = 'www.xen'\ntype = '" + type + "'\n" + line + "\n";
}
std::string faults_of_line(const std::string& line, const std::string& type = "pv",
                           const Lines& service = xl_service) {
    return problems_with({{xl_path, file_with(line, type)}}, service);
}
service::Template service_of_line(const std::string& line, const std::string& type = "pv") {
    return service_with({{xl_path, file_with(line, type)}}, xl_service);
}

// A value that the key may have, where it is honoured.
std::string good_value(std::string_view key) {
    static const std::map<std::string_view, std::string> values{
        {"name", "'www'"},
        {"type", "'pv'"},
        {"builder", "'generic'"},
        {"pool", "'Pool-0'"},
        {"cpus", "'0-3,^1'"},
        {"cpus_soft", "[ '0', 'node:0' ]"},
        {"on_poweroff", "'destroy'"},
        {"on_reboot", "'rename-restart'"},
        {"on_watchdog", "'restart'"},
        {"on_crash", "'preserve'"},
        {"kernel", "'www.xen'"},
        {"ramdisk", "'initrd'"},
        {"cmdline", "'a=b'"},
        {"root", "'/dev/xvda1'"},
        {"extra", "'ro'"},
        {"pvshim_path", "'/srv/xen-shim'"},
        {"pvshim_cmdline", "'pv-shim console=xen,pv'"},
        {"pvshim_extra", "'loglvl=all'"},
        {"seclabel", "'system_u:system_r:domU_t'"},
        {"init_seclabel", "'system_u:system_r:domU_t'"},
        {"device_tree", "'/srv/a.dtb'"},
        {"passthrough", "'disabled'"},
        {"disk", "[ '/srv/a.img,raw,xvda,r' ]"},
        {"vif", "[ 'bridge=br1' ]"},
        {"p9", "[ 'tag=www,security_model=none,path=/srv/www' ]"},
        {"tee", "'none'"},
        {"bootloader", "'pygrub'\ndisk = [ '/srv/a.img,raw,xvda,r' ]"},
        {"bootloader_args", "[ '--quiet' ]"},
        {"cpuid", "'host,tm=0,sse3=0'"},
        {"tsc_mode", "'native'"},
        {"timer_mode", "'one_missed_tick_pending'"},
        {"altp2m", "'external'"},
        {"gic_version", "'v2'"},
        {"vuart", "'sbsa_uart'"},
        {"memory", "64"},
        {"maxmem", "64"},
        {"pvshim", "0"},
    };
    const auto value = values.find(key);
    return value == values.end() ? "1" : value->second;
}

class XlKey : public testing::TestWithParam<std::string_view> {};

// One key of the man page: honoured without a word, or said to be what the table says.
TEST_P(XlKey, IsWhatTheTableSays) {
    const std::string key(GetParam());
    const XlKeys* row = find_keys(xl_keys(), key);
    ASSERT_NE(row, nullptr);
    const Option* option = find_option(key);
    const std::string type = option != nullptr && option->of == Option::Of::pvh ? "pvh" : "pv";
    const std::string where = xl_path + ":4:1: ";
    const std::string what(row->what);
    switch (row->fate) {
        case XlFate::honoured:
            EXPECT_EQ(faults_of_line(key + " = " + good_value(key), type), "");
            break;
        case XlFate::warning:
            for (const std::string value : {"1", "0", "'a'", "[ 'a' ]"})
                EXPECT_EQ(faults_of_line(key + " = " + value),
                          where + "warning: " + key + " has no effect: " + what);
            break;
        case XlFate::refused:
            for (const std::string value : {"1", "'a'", "[ 'a' ]"})
                EXPECT_EQ(faults_of_line(key + " = " + value),
                          where + key + " is not supported: " + what);
            for (const std::string value : {"0", "''", "[ ]"})
                EXPECT_EQ(faults_of_line(key + " = " + value), "") << "it asks for nothing";
            break;
    }
    // What is set beside `xl:` is not looked at in the file.
    for (const std::string_view replaced : words(row->replaced))
        if (row->fate == XlFate::honoured && (replaced == "kernel" || replaced == "cmdline")) {
            const Lines service = xl_service.with(std::string(replaced), "a");
            EXPECT_EQ(faults_of_line(key + " = [ [ 1 ] ]", type, service), "");
        }
}

INSTANTIATE_TEST_SUITE_P(ManPage, XlKey, testing::ValuesIn(words(man_page)));
INSTANTIATE_TEST_SUITE_P(ParserOnly, XlKey, testing::ValuesIn(words(parser_only)));

std::set<std::string_view> set_of(std::string_view separated) {
    const auto found = words(separated);
    return {found.begin(), found.end()};
}

std::set<std::string_view> keys_of(std::span<const XlKeys> table) {
    std::set<std::string_view> keys;
    for (const XlKeys& row : table)
        for (const std::string_view key : words(row.keys))
            EXPECT_TRUE(keys.insert(key).second) << key << " is there twice";
    return keys;
}

TEST(XlKeys, AreThoseOfTheManPages) {
    auto all = set_of(man_page);
    all.merge(set_of(parser_only));
    EXPECT_EQ(keys_of(xl_keys()), all);
    EXPECT_EQ(keys_of(xl_vif_keys()), set_of(man_vif));
    EXPECT_EQ(keys_of(xl_disk_keys()), set_of(man_disk));
    EXPECT_EQ(keys_of(xl_p9_keys()), set_of(man_p9));
}

TEST(XlKeys, OptionsAreAmongThem) {
    for (const Option& option : all_options()) {
        const XlKeys* row = find_keys(xl_keys(), option.key);
        ASSERT_NE(row, nullptr) << option.key;
        EXPECT_EQ(row->fate, XlFate::honoured) << option.key;
    }
}

// The table as the docs show it.
std::string page_table(const std::string& title, std::span<const XlKeys> table) {
    std::string text = "| " + title + " | |\n|---|---|\n";
    for (const XlKeys& row : table) {
        std::string keys;
        for (const std::string_view key : words(row.keys))
            keys.append(keys.empty() ? "`" : ", `").append(key).append("`");
        text += "| " + keys + " | " +
                (row.fate == XlFate::honoured  ? ""
                 : row.fate == XlFate::warning ? "warning: "
                                               : "refused: ") +
                std::string(row.what) + " |\n";
    }
    return text;
}

TEST(XlKeys, AreInTheDocs) {
    std::ostringstream page;
    page << std::ifstream(std::string(SUMMOND_SOURCE_DIR) + "/docs/CONFIGURATION.md").rdbuf();
    for (const auto& [title, table] :
         {std::pair{"key of the file", xl_keys()}, std::pair{"of an item of `vif`", xl_vif_keys()},
          std::pair{"of an item of `disk`", xl_disk_keys()},
          std::pair{"of an item of `p9`", xl_p9_keys()}}) {
        const std::string expected = page_table(title, table);
        EXPECT_NE(page.str().find(expected), std::string::npos) << "the docs should have\n"
                                                                << expected;
    }
}

TEST(XlKeys, UnknownOnesAreIgnoredAsByXl) {
    EXPECT_EQ(faults_of_line("dhcp = 'dhcp'"),
              xl_path + ":4:1: warning: xl knows no \"dhcp\" and ignores it");
    EXPECT_EQ(faults_of_line("memroy = 5"),
              xl_path +
                  ":4:1: warning: xl knows no \"memroy\" and ignores it; did "
                  "you mean \"memory\"?");
}

TEST(XlKeys, GoToLibxl) {
    const service::Template service = service_of_line(
        "cpu_weight = 512\ncap = 0x50\ntsc_mode = 2\nlocaltime = 1\nnomigrate = 0\n"
        "cpuid = ['1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0', "
        "'7,0:ebx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx']\nrtc_timeoffset = '-60'");
    EXPECT_EQ(
        service.options,
        (std::map<std::string, std::string>{
            {"cpu_weight", "512"},
            {"cap", "80"},
            {"tsc_mode", "native"},
            {"localtime", "1"},
            {"nomigrate", "0"},
            {"rtc_timeoffset", "-60"},
            {"cpuid",
             "1:ecx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx0\n7,0:ebx=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}));
    EXPECT_EQ(faults_of_line("cpu_weight = 0"),
              xl_path + ":4:1: cpu_weight is \"0\"; it must be a whole number from 1 to 65535");
    EXPECT_EQ(faults_of_line("hap = 1"), xl_path +
                                             ":4:1: warning: hap of service www means nothing to a "
                                             "guest of type pv");
    EXPECT_EQ(service_of_line("hap = 1").options.size(), 0U);
    EXPECT_EQ(service_of_line("hap = 1", "pvh").options.at("hap"), "1");
    if (service::this_host() == service::Host::amd64) {  // libxl of ARM takes any
        EXPECT_EQ(faults_of_line("cpuid = 'host,nosuchthing=0'"),
                  xl_path +
                      ":4:1: cpuid is \"host,nosuchthing=0\", \"nosuchthing=0\" is not known to "
                      "libxl; it must be as in xl.cfg(5), such as \"host,avx512f=0\" or a list "
                      "of texts in xend's form");
    }
}

TEST(XlKeys, Vcpus) {
    const service::Template service = service_of_line("vcpus = 1\nmaxvcpus = 4\ncpus = '0-2,^1'");
    EXPECT_EQ(service.vcpus, 1U);
    EXPECT_EQ(service.max_vcpus, 4U);
    EXPECT_EQ(service.cpus, (service::Affinity{{"0-2,^1"}, false}));
    EXPECT_EQ(service_of_line("cpus = [ 1, 'all,^0' ]").cpus,
              (service::Affinity{{"1", "all,^0"}, true}));
    EXPECT_EQ(service_of_line("vcpus = 2").max_vcpus, 2U);
    EXPECT_EQ(faults_of_line("vcpus = 2\nmaxvcpus = 1"),
              xl_path + ":5:1: max_vcpus of service www is 1, less than its vcpus, 2");
    EXPECT_NE(faults_of_line("cpus = '^all'"), "");
    EXPECT_NE(faults_of_line("cpus = '3-1'"), "");
    EXPECT_NE(faults_of_line("cpus = ','"), "");
    EXPECT_EQ(faults_of_line("cpus = '0,, 1,'"), "") << "as xl takes it";
    EXPECT_EQ(faults_of_line("cpus = '1,node:1,^6'"), "");
    EXPECT_EQ(faults_of_line("cpus = 'nodes:0-3,^node:2'"), "");
}

TEST(XlKeys, Bootloaders) {
    const std::string disk = "\ndisk = [ 'root.img,raw,xvda,w' ]";
    const service::Template service = service_with(
        {{xl_path,
          "name = 'www'\nvif = ['']\nbootloader = 'pygrub'\nbootloader_args = '-q  -n'" + disk}},
        xl_service);
    EXPECT_EQ(service.bootloader, "pygrub");
    EXPECT_EQ(service.bootloader_args, (std::vector<std::string>{"-q", "-n"}));
    EXPECT_EQ(service.kernel, "");
    // With both, the kernel is in the disk.
    EXPECT_EQ(service_of_line("bootloader = '/usr/lib/xen/bin/pygrub'" + disk).kernel, "www.xen");
    EXPECT_EQ(faults_of_line("bootloader = 'pygrub'"),
              xl_path +
                  ":4:1: bootloader of service www: it looks for a kernel in the first disk, "
                  "and there is no disk");
    const service::Template own = service_with({{xl_path, file_with("bootloader = 'pygrub'")}},
                                               xl_service.with("kernel", "own.elf"));
    EXPECT_EQ(own.bootloader, "");
    EXPECT_EQ(own.kernel, "/etc/summond/own.elf");
}

TEST(XlKeys, Ends) {
    const service::Template service = service_of_line(
        "on_poweroff = 'preserve'\non_reboot = 'rename-restart'\non_crash = 'restart'");
    EXPECT_TRUE(service.preserve.poweroff && !service.restart.poweroff);
    EXPECT_TRUE(service.preserve.reboot && service.restart.reboot);
    EXPECT_TRUE(!service.preserve.crash && service.restart.crash);
    EXPECT_EQ(faults_of_line("on_crash = 'coredump-restart'"),
              xl_path +
                  ":4:1: on_crash is \"coredump-restart\", which summond does not write; "
                  "preserve the domain and use xl dump-core; it must be destroy, restart, "
                  "preserve or rename-restart");
}

TEST(XlKeys, Shares) {
    EXPECT_EQ(service_of_line("p9 = [ 'tag=www, path=pages, security_model=none' ]").shares,
              (std::vector<service::Share>{{"www", "/srv/pages"}}));
    EXPECT_EQ(faults_of_line("p9 = [ 'tag=a,path=/a,security_model=mapped' ]"),
              xl_path + ":4:8: p9: security_model is \"mapped\"; it must be none");
    EXPECT_EQ(faults_of_line("p9 = [ 'tag=a,path=/a,backend=net' ]"),
              xl_path +
                  ":4:8: p9: \"backend\" is not supported: only dom0 is a backend here, not "
                  "a driver domain");
}

}  // namespace
}  // namespace summond::config
