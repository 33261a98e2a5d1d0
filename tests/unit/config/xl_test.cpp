// Services whose guest is described by an xl file.
#include <gtest/gtest.h>

#include "files_given.hpp"

namespace summond::config {
namespace {

// What must be there, on lines 1 and 2.
const std::string least = "name = 'www'\nkernel = 'www.xen'\n";

service::Template service_by(const std::string& xl, const Lines& service = xl_service,
                             const std::string& before = "") {
    return service_with({{xl_path, xl}}, service, before);
}

// Without a vif there must be another way to be ready.
service::Template service_alone(const std::string& xl) {
    return service_by(least + xl, xl_service.with("ready", "{xenstore: data/up}"));
}

Loaded loaded_alone(const std::string& xl) {
    return parse(service_config({xl_service.with("ready", "{xenstore: data/up}")}), file,
                 reading({{xl_path, least + xl}}));
}

// Problems of a file that is good but for xl, from line 3 on.
std::string faults(const std::string& xl, const Lines& service = xl_service) {
    return problems_with({{xl_path, "vif = ['']; name = 'www'\nkernel = 'www.xen'\n" + xl}},
                         service);
}

TEST(Xl, AsMirageWritesIt) {
    const std::string mirage =
        "name = 'hello'\n"
        "kernel = 'hello.xen'\n"
        "type = 'pvh'\n"
        "memory = 256\n"
        "on_crash = 'preserve'\n"
        "\n"
        "disk = [ 'format=raw, vdev=xvda, access=rw, target=disk.img' ]\n"
        "\n"
        "# a remark about Open vSwitch\n"
        "vif = [ 'bridge=br0' ]\n";
    const service::Template service =
        service_by(mirage, xl_service.with("cmdline", "--ipv4={ipv4}/24"));
    EXPECT_EQ(service.name, "hello");
    EXPECT_EQ(service.id, service::id_of("hello"));
    EXPECT_EQ(service.type, service::DomainType::pvh);
    EXPECT_EQ(service.kernel, "/srv/hello.xen");
    EXPECT_EQ(service.memory_kib, 256U * 1024);
    EXPECT_EQ(service.max_memory_kib, 256U * 1024);
    EXPECT_EQ(service.cmdline, "--ipv4=10.0.0.10/24");
    EXPECT_EQ(service.interfaces, (std::vector<service::Interface>{
                                      {service::derived_mac(service.id), "br0", "", "", "", ""}}));
    ASSERT_EQ(service.disks.size(), 1U);
    EXPECT_EQ(service.disks[0].path, "/srv/disk.img");
    EXPECT_EQ(service.disks[0].device, "xvda");
    EXPECT_TRUE(service.disks[0].writable);
    EXPECT_FALSE(service.restart.crash);
    EXPECT_TRUE(service.preserve.crash);
    EXPECT_EQ(problems_with({{xl_path, mirage}}, xl_service), "");
}

TEST(Xl, DefaultsAreXls) {
    const std::string defaults =
        "defaults: {kernel: other, memory: 64MiB, vcpus: 4, type: pvh, bridge: br9, ttl: 5, "
        "cmdline: hello, disks: [{path: a, device: xvda}], on_crash: restart}\n";
    const service::Template service =
        service_by(least, xl_service.with("ready", "{xenstore: data/up}"), defaults);
    EXPECT_EQ(service.type, service::DomainType::pv);
    EXPECT_EQ(service.kernel, "/srv/www.xen");
    EXPECT_EQ(service.memory_kib, 32U * 1024);
    EXPECT_EQ(service.vcpus, 1U);
    EXPECT_EQ(service.cmdline, "");
    EXPECT_TRUE(service.interfaces.empty());
    EXPECT_TRUE(service.disks.empty());
    EXPECT_FALSE(service.restart.poweroff);
    EXPECT_TRUE(service.restart.reboot);
    EXPECT_FALSE(service.restart.watchdog);
    EXPECT_FALSE(service.restart.crash);
    EXPECT_EQ(service.ttl, 5U) << "what no xl file says stays with defaults";
}

TEST(Xl, TheServicesOwnKeysOverride) {
    const std::string xl = least +
                           "memory = 64; vcpus = 2; extra = 'a'\nvif = ['bridge=br1,mac=02:ab:cd:"
                           "00:00:01']\ndisk = ['/a,raw,xvda,r']\nmaxmem = 128\n";
    const service::Template service =
        service_by(xl, xl_service.with("name", "shop")
                           .with("kernel", "shop.elf")
                           .with("memory", "16MiB")
                           .with("type", "pvh")
                           .with("cmdline", "\"{name}\"")
                           .with("bridge", "br2")
                           .with("on_poweroff", "restart")
                           .with("disks", "[{path: b, device: xvdb}]"));
    EXPECT_EQ(service.name, "shop");
    EXPECT_EQ(service.kernel, "/etc/summond/shop.elf");
    EXPECT_EQ(service.memory_kib, 16U * 1024);
    EXPECT_EQ(service.max_memory_kib, 16U * 1024);
    EXPECT_EQ(service.vcpus, 2U);
    EXPECT_EQ(service.type, service::DomainType::pvh);
    EXPECT_EQ(service.cmdline, "shop");
    EXPECT_EQ(
        service.interfaces,
        (std::vector<service::Interface>{{{0x02, 0xab, 0xcd, 0, 0, 1}, "br2", "", "", "", ""}}));
    ASSERT_EQ(service.disks.size(), 1U);
    EXPECT_EQ(service.disks[0].path, "/etc/summond/b");
    EXPECT_TRUE(service.restart.poweroff);
}

TEST(Xl, CommandLines) {
    EXPECT_EQ(service_alone("extra = 'a b'\n").cmdline, "a b");
    EXPECT_EQ(service_alone("root = '/dev/xvda1 ro'\n").cmdline, "root=/dev/xvda1 ro");
    EXPECT_EQ(service_alone("root = '/dev/xvda1'\nextra = 'a'").cmdline, "root=/dev/xvda1 a");
    EXPECT_EQ(service_alone("cmdline = '{\"a\": {ipv4}}'\n").cmdline, "{\"a\": {ipv4}}");
    EXPECT_EQ(service_alone("extra = 'a'\nextra += ' b'\n").cmdline, "a b");
    EXPECT_EQ(service_alone("cmdline = 'c'\nextra = 'e'\n").cmdline, "c");
    EXPECT_EQ(faults("cmdline = 'c'\nextra = 'e'"),
              xl_path + ":3:1: warning: cmdline is used, root and extra are not");
}

TEST(Xl, Numbers) {
    EXPECT_EQ(service_alone("memory = '64'\n").memory_kib, 64U * 1024);
    EXPECT_EQ(service_alone("memory = 0x10\n").memory_kib, 16U * 1024);
    EXPECT_EQ(service_alone("memory = 64\nmaxmem = 128\n").max_memory_kib, 128U * 1024);
    EXPECT_EQ(service_alone("maxmem = 128\n").memory_kib, 128U * 1024);
    EXPECT_EQ(service_alone("vcpus = 3\nmaxvcpus = 3\n").vcpus, 3U);
    EXPECT_EQ(service_alone("shadow_memory = 4\n").shadow_memory_kib, 4U * 1024);
    EXPECT_EQ(service_alone("memory = 64\nmemory = 32\n").memory_kib, 32U * 1024);
}

TEST(Xl, TypesAndShim) {
    EXPECT_EQ(service_alone("builder = 'generic'\n").type, service::DomainType::pv);
    EXPECT_EQ(service_alone("type = 'pvh'\n").type, service::DomainType::pvh);
    EXPECT_FALSE(service_alone("type = 'pvh'\n").pvshim);
    EXPECT_TRUE(service_alone("type = 'pvh'\npvshim = 1\n").pvshim);
    EXPECT_FALSE(service_alone("type = 'pvh'\npvshim = 0\n").pvshim);
}

TEST(Xl, Ends) {
    const service::Restart restart =
        service_alone(
            "on_poweroff = 'restart'\non_reboot = 'destroy'\non_watchdog = "
            "'restart'\non_crash = 'restart'\n")
            .restart;
    EXPECT_TRUE(restart.poweroff);
    EXPECT_FALSE(restart.reboot);
    EXPECT_TRUE(restart.watchdog);
    EXPECT_TRUE(restart.crash);
}

TEST(Xl, Vifs) {
    const service::Template service = service_by(
        least +
        "vif = [ '', 'mac=02:ab:cd:00:00:01, bridge=br1 ,type=vif,model=e1000',\n"
        "  'ip=10.0.0.10 10.0.1.0/24,netdev=eth1,script=vif-route', "
        "'script=vif-openvswitch,bridge=ovs0.7' ]\n"
        "vif += [ 'vifname=web,script=vif-bridge,rate=10Mb/s,mtu=9000,untrusted,devid=4' ]\n");
    const auto mac = [&](std::size_t i) { return service::derived_mac(service.id, i); };
    EXPECT_EQ(service.interfaces,
              (std::vector<service::Interface>{
                  {mac(0), "xenbr0", "", "", "", ""},
                  {{0x02, 0xab, 0xcd, 0, 0, 1}, "br1", "", "", "", ""},
                  {mac(2), "xenbr0", "vif-route", "10.0.0.10 10.0.1.0/24", "eth1", ""},
                  {mac(3), "ovs0.7", "vif-openvswitch", "", "", ""},
                  {mac(4), "xenbr0", "", "", "", "web", 62500, 50000, 9000, false}}));
}

TEST(Xl, WhatVifBridgeDoesIsDoneWithoutIt) {
    const std::string bridged = "vif = [ 'ip=10.0.9.10,bridge=xenbr0' ]";
    EXPECT_TRUE(service_by(least + bridged).wake_packet);
    EXPECT_EQ(service_by(least + bridged).interfaces[0].script, "");
    EXPECT_EQ(
        faults(bridged),
        xl_path +
            ":3:9: warning: vif: ip has no effect: vif-bridge would let these addresses "
            "through a FORWARD chain of iptables that drops. For that, name the script by its "
            "path: script=/etc/xen/scripts/vif-bridge");
    for (const std::string vif :
         {"vifname=web", "script=vif-bridge", "vifname=a,script=vif-bridge"})
        EXPECT_EQ(faults("vif = [ '" + vif + "' ]"), "") << vif;
    EXPECT_EQ(
        faults("vif = [ 'script=/etc/xen/scripts/vif-bridge' ]"),
        "5:5: warning: service www is not woken by packets, only by queries: a hotplug script "
        "puts its interface where summond does not know its way; say wake: dns for it");
    EXPECT_EQ(faults("vif = [ 'script=vif-route' ]", xl_service.with("wake", "dns")), "");
}

TEST(Xl, WhatXlSkipsInAVifIsAWarning) {
    const std::string skipped = " is nothing that xl knows, and is skipped as by xl";
    EXPECT_EQ(faults("vif = [ 'xenif' ]"), xl_path + ":3:9: warning: vif: \"xenif\"" + skipped);
    EXPECT_EQ(faults("vif = [ 'foo=1,trusted=1' ]"),
              xl_path + ":3:9: warning: vif: \"foo=1\"" + skipped + "\n" + xl_path +
                  ":3:9: warning: vif: \"trusted=1\"" + skipped);
    EXPECT_EQ(faults("vif = [ 'type=netfront' ]"),
              xl_path + ":3:9: warning: vif: \"type=netfront\"" + skipped);
    EXPECT_EQ(faults("vif = [ 'model=e1000,accel=1,backend=0' ]"), "");
}

TEST(Xl, WhatIsReplacedIsNotLookedAt) {
    const auto quiet = [&](const std::string& xl, const std::string& key,
                           const std::string& value) {
        EXPECT_EQ(faults(xl, xl_service.with(key, value)), "") << xl;
    };
    quiet("builder = 'linux'", "type", "pv");
    quiet("type = 'hvm'", "type", "pvh");
    quiet("memory = 'lots'\nmaxmem = 1", "memory", "16MiB");
    quiet("vcpus = 0\nmaxvcpus = 0", "vcpus", "1");
    quiet("bootloader = 'pygrub'", "kernel", "a.elf");
    quiet("firmware = 'pvgrub64'", "kernel", "a.elf");
    quiet("kernel = [ 1 ]\ndisk = ['/a,,xvda,w']", "bootloader", "pygrub");
    quiet("extra = [ 1 ]\nroot = [ 1 ]", "cmdline", "a");
    quiet("vif = [ 'bridge=a/b' ]", "bridge", "xenbr1");
    quiet("vif = [ 'mac=1' ]", "mac", "02:00:00:00:00:01");
    quiet("vif = [ 'backend=net' ]", "interfaces", "[{bridge: xenbr0}]");
    quiet("disk = [ 'nonsense' ]", "disks", "[{path: a, device: xvda}]");
    quiet("name = '7'", "name", "seven");
    quiet("on_crash = 'coredump-destroy'", "on_crash", "destroy");
    EXPECT_EQ(faults("vif = [ 'backend=net' ]",
                     xl_service.with("bridge", "none").with("ready", "{xenstore: data/up}")),
              "");
}

TEST(Xl, Disks) {
    const std::string xl =
        "disk = [ 'phy:/dev/vg/root,xvda1,w',\n"
        "         'a.qcow2,qcow2,xvdb,ro',  # a remark, with a ' and ]\n"
        "         '/srv/b.vhd,vhd,hda' ]\n";
    const Loaded loaded = loaded_alone(xl);
    ASSERT_TRUE(loaded.config);
    const service::Template& service = loaded.config->services.at(0);
    ASSERT_EQ(service.disks.size(), 3U);
    EXPECT_EQ(service.disks[0].path, "/dev/vg/root");
    EXPECT_EQ(service.disks[0].device, "xvda1");
    EXPECT_TRUE(service.disks[0].writable);
    EXPECT_EQ(service.disks[1].path, "/srv/a.qcow2");
    EXPECT_FALSE(service.disks[1].writable);
    EXPECT_EQ(service.disks[1].format, service::Disk::Format::qcow2);
    EXPECT_EQ(loaded.config->service_places[0].disks.at(1).to_string(), xl_path + ":4:10");
    EXPECT_TRUE(service.disks[2].writable);
    EXPECT_EQ(service.disks[2].format, service::Disk::Format::vhd);
}

TEST(Xl, DisksHaveAllThatLibxlTakes) {
    const service::Template service = service_alone(
        "disk = [ 'data.img,raw,0x1,w', '/a.iso,,d5p0,cdrom', '/dev/b,,sda,backendtype=phy',\n"
        "  'b,,xvdd,script=block-iscsi', 'c,qcow,xvde,r,direct-io-safe,no-discard' ]");
    ASSERT_EQ(service.disks.size(), 5U);
    EXPECT_EQ(service.disks[0].device, "0x1");
    EXPECT_TRUE(service.disks[1].cdrom && !service.disks[1].writable);
    EXPECT_EQ(service.disks[2].backend, service::Disk::Backend::phy);
    EXPECT_EQ(service.disks[3].script, "block-iscsi");
    EXPECT_EQ(service.disks[3].path, "b") << "what the script takes is no path of ours";
    EXPECT_EQ(service_alone("disk = [ 'phy:vg0/root,xvda,w' ]").disks.at(0).path, "/dev/vg0/root");
    EXPECT_EQ(service.disks[4].format, service::Disk::Format::qcow);
    EXPECT_TRUE(service.disks[4].direct_io_safe && service.disks[4].trusted);
    EXPECT_EQ(service.disks[4].discard, false);
    EXPECT_EQ(faults("disk = [ ',hdc:cdrom,r' ]"),
              xl_path + ":3:10: warning: disk: an empty CD drive is left out");
}

TEST(Xl, NeedsAName) {
    const std::string unnamed = "kernel = 'a'\nvif = ['']\n";
    EXPECT_EQ(problems_with({{xl_path, unnamed}}, xl_service),
              "5:9: xl: there is no name in it; add one there, or name: here");
    EXPECT_EQ(problems_with({{xl_path, "name = '7'\n" + unnamed}}, xl_service),
              xl_path +
                  ":1:1: name is \"7\"; it must be 1 to 63 letters, digits, dots, - and _, not "
                  "digits alone and not Domain-0, beginning with a letter or digit");
    EXPECT_EQ(service_by("name = '7'\n" + unnamed, xl_service.with("name", "seven")).name, "seven");
}

TEST(Xl, NeedsAKernelAndAWayToBeReady) {
    EXPECT_EQ(
        problems_with({{xl_path, "name = 'www'\nvif = ['']\n"}}, xl_service),
        xl_path + ": neither kernel nor bootloader; say what to boot, such as kernel = 'www.xen'");
    EXPECT_EQ(problems_with({{xl_path, least}}, xl_service),
              xl_path +
                  ": no vif leaves service www without the network interface by which it would "
                  "be ready; set ready: {xenstore: data/ready} for the service, or bridge");
    EXPECT_EQ(service_by(least, xl_service.with("bridge", "br1")).interfaces.size(), 1U);
    const std::string hvm =
        problems_with({{xl_path, "name = 'www'\ntype = 'hvm'\nvif = ['']\n"}}, xl_service);
    EXPECT_TRUE(hvm.starts_with(xl_path + ":2:1: type is \"hvm\", which")) << hvm;
}

TEST(Xl, WhatCannotBeRead) {
    EXPECT_EQ(problems_with({}, xl_service),
              "5:9: xl: /srv/www.xl cannot be read: No such file or directory");
    EXPECT_EQ(problems_with({{xl_path, "name = 'www'\nimport os\n"}}, xl_service),
              xl_path +
                  ":2: not a file of xl's: config parsing error near `os': syntax error, "
                  "unexpected IDENT, expecting += or '='");
    EXPECT_EQ(problems_with({{xl_path, "name = 'www'\nkernel\n"}}, xl_service),
              xl_path +
                  ":2: not a file of xl's: config parsing error near <newline>: syntax error, "
                  "unexpected NEWLINE, expecting += or '='");
    EXPECT_EQ(problems_with({{xl_path, "name = 'www'\r\n"}}, xl_service),
              xl_path +
                  ":1: not a file of xl's: a line that ends in CR LF, which xl does not take; "
                  "convert the file, such as with dos2unix");
    EXPECT_EQ(problems_of("defaults: {xl: a.xl}\n" + service_config({good_service})),
              "1:16: defaults.xl: every service has its own; move it there");
}

struct Fault {
    std::string xl;
    std::string problem;
    friend std::ostream& operator<<(std::ostream& out, const Fault& fault) {
        return out << fault.xl;
    }
};

class XlFault : public testing::TestWithParam<Fault> {};

TEST_P(XlFault, IsNamedWhereItStands) {
    EXPECT_EQ(faults(GetParam().xl), xl_path + ":" + GetParam().problem);
}

const std::string hvm =
    "type is \"hvm\", which needs a device model, a qemu for each domain, that summond does not "
    "start; it must be pv or pvh";

INSTANTIATE_TEST_SUITE_P(
    Settings, XlFault,
    testing::Values(
        Fault{"a = 1; pci = ['01:00.0']",
              "3:1: warning: xl knows no \"a\" and ignores it\n" + xl_path +
                  ":3:8: pci is not supported: hardware of the host is not handed to a domain that "
                  "anybody's packet can start"},
        Fault{"type = 'hvm'", "3:1: " + hvm}, Fault{"builder = 'hvm'", "3:1: " + hvm},
        Fault{"builder = 'linux'", "3:1: builder is \"linux\"; say type = 'pvh' or 'pv'"},
        Fault{"type = 'pvh'\nbuilder = 'generic'",
              "4:1: builder and type contradict each other; keep type"},
        Fault{"memory = 'lots'", "3:1: memory is \"lots\"; it must be a number"},
        Fault{"memory = 0",
              "3:1: memory is \"0MiB\"; it must be a size from 1MiB to 1024GiB, such as 16MiB"},
        Fault{"memory = [ 5 ]", "3:1: memory is a list; it must be one value"},
        Fault{"memory = 64\nmaxmem = 32",
              "4:1: max_memory of service www is 32MiB, less than its memory of 64MiB"},
        Fault{"vcpus = 0", "3:1: vcpus is \"0\"; it must be a whole number from 1 to 128"},
        Fault{"pvshim = 1",
              "3:1: pvshim of service www: runs a PV guest inside a PVH domain; it needs type: "
              "pvh"},
        Fault{"uuid = 'a'",
              "3:1: warning: uuid has no effect: summond knows its domains by UUIDs of its own"},
        Fault{"on_crash = 'keep'",
              "3:1: on_crash is \"keep\"; it must be destroy, restart, preserve or "
              "rename-restart"}));

INSTANTIATE_TEST_SUITE_P(
    Devices, XlFault,
    testing::Values(
        Fault{"vif = 'bridge=br0'", "3:1: vif must be a list, such as vif = [ 'bridge=xenbr0' ]"},
        Fault{"vif = [ 'rate=fast',\n'backend=net,mtu=20' ]",
              "3:9: vif.rate is \"fast\"; it must be bits or bytes in a second, such as 10Mb/s or "
              "1MB/s@20ms\n" +
                  xl_path +
                  ":4:1: vif: \"backend\" is not supported: only dom0 is a backend here, not a "
                  "driver domain\n" +
                  xl_path + ":4:1: vif.mtu is \"20\"; it must be a whole number from 68 to 65517"},
        Fault{"vif = [ 'devid=3' ]",
              "3:9: vif: devid is \"3\"; interfaces are numbered in their order, this one is 0"},
        Fault{"vif = [ 'type=ioemu' ]",
              "3:9: vif: type is \"ioemu\"; pv and pvh guests have no emulated interfaces, it "
              "must be vif"},
        Fault{"vif = [ 'mac=1' ]",
              "3:9: vif.mac is \"1\"; it must be a unicast MAC address, such as "
              "00:16:3e:12:34:56"},
        Fault{"disk = [ '/a,raw,xvda,r,backendtype=tap' ]",
              "3:10: disk.backendtype is \"tap\"; it must be phy or qdisk"},
        Fault{"disk = [ '/a,raw,xvda,r,backend=store' ]",
              "3:10: disk: \"backend\" is not supported: only dom0 is a backend here, not a driver "
              "domain"},
        Fault{"disk = [ '/a' ]", "3:10: disk: no vdev specified in `/a'"},
        Fault{"disk = [ '/a,,xvda,w',\n  '/b,,xvda,w' ]",
              "4:3: disk.device: xvda is another disk of this service already"},
        Fault{"disk = [ '/a,,xvda1,w',\n  '/b,,0xca01,w' ]",
              "4:3: disk.device: 0xca01 is another disk of this service already"}));

TEST(Xl, ProblemsOfTheMainFileComeFirst) {
    EXPECT_EQ(faults("foo = 1", xl_service.with("ttl", "-1")).substr(0, 10), "8:10: ttl ");
}

TEST(Sources, ArePackedAndUnpacked) {
    const Sources sources{"zones: []\n", {{"/a", ""}, {"/b:1", std::string("\0:x", 3)}}};
    const auto unpacked = Sources::unpack(sources.pack());
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->yaml, sources.yaml);
    EXPECT_EQ(unpacked->files, sources.files);
    for (const std::string bad : {"", "x", "3:ab", "1:a9:b", "1:a1:b", "99999999999999999999:a"})
        EXPECT_FALSE(Sources::unpack(bad)) << bad;
}

TEST(Sources, AreReadWithoutTheirFiles) {
    const Sources sources{service_config({xl_service}), {{xl_path, least + "vif = ['']\n"}}};
    const Loaded loaded = parse_packed(sources.pack(), file);
    ASSERT_TRUE(loaded.config);
    EXPECT_EQ(loaded.config->services.at(0).kernel, "/srv/www.xen");
    EXPECT_FALSE(parse_packed(Sources{sources.yaml, {}}.pack(), file).config);
}

}  // namespace
}  // namespace summond::config
