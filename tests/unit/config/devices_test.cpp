// Network interfaces and disks of a service.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

std::vector<service::Interface> interfaces_with(const std::string& key, const std::string& value) {
    return service_of(good_service.with(key, value)).interfaces;
}

const service::Mac first = service::derived_mac(service::id_of("www"));
const service::Mac second = service::derived_mac(service::id_of("www"), 1);
const service::Mac given{0x02, 0xab, 0xcd, 0, 0, 1};

TEST(Interfaces, OneByDefault) {
    const service::Template service = service_of(good_service);
    EXPECT_EQ(service.interfaces,
              (std::vector<service::Interface>{{first, "xenbr0", "", "", "", ""}}));
}

TEST(Interfaces, BridgeMacAndScriptAreTheShortFormOfOne) {
    EXPECT_EQ(interfaces_with("bridge", "br-lan.100"),
              (std::vector<service::Interface>{{first, "br-lan.100", "", "", "", ""}}));
    EXPECT_EQ(interfaces_with("mac", "02:AB:cd:00:00:01"),
              (std::vector<service::Interface>{{given, "xenbr0", "", "", "", ""}}));
    EXPECT_EQ(interfaces_with("script", "vif-openvswitch"),
              (std::vector<service::Interface>{{first, "xenbr0", "vif-openvswitch", "", "", ""}}));
    EXPECT_EQ(
        service_of(good_service.with("bridge", "ovsbr0.7:8").with("script", "/opt/vif")).interfaces,
        (std::vector<service::Interface>{{first, "ovsbr0.7:8", "/opt/vif", "", "", ""}}));
}

TEST(Interfaces, NoneAtAll) {
    const Lines none = good_service.with("bridge", "none").with("ready", "{xenstore: data/up}");
    EXPECT_TRUE(service_of(none).interfaces.empty());
    EXPECT_EQ(service_of(good_service.with("bridge", "br1"),
                         "defaults: {bridge: none, ready: {xenstore: data/up}}\n")
                  .interfaces,
              (std::vector<service::Interface>{{first, "br1", "", "", "", ""}}));
}

TEST(Interfaces, Several) {
    EXPECT_EQ(
        interfaces_with("interfaces", "[{}, {bridge: br1}, {bridge: br2, mac: 02:ab:cd:00:00:01}]"),
        (std::vector<service::Interface>{{first, "xenbr0", "", "", "", ""},
                                         {second, "br1", "", "", "", ""},
                                         {given, "br2", "", "", "", ""}}));
    EXPECT_EQ(interfaces_with("interfaces",
                              "[{bridge: br1}, {script: vif-nat, ip: [10.0.8.0/24, 10.0.0.9], "
                              "gatewaydev: eth1, vifname: web}]"),
              (std::vector<service::Interface>{
                  {first, "br1", "", "", "", ""},
                  {second, "xenbr0", "vif-nat", "10.0.8.0/24 10.0.0.9", "eth1", "web"}}));
}

TEST(Interfaces, RoutesLeadToTheServicesAddresses) {
    const Lines routed = good_service.with("addresses", "[10.0.0.10, 10.0.0.11, \"2001:db8::1\"]")
                             .with("script", "/etc/xen/scripts/vif-route");
    EXPECT_EQ(service_of(routed).interfaces[0].ip, "10.0.0.10 10.0.0.11");
    EXPECT_EQ(service_of(good_service.with("interfaces", "[{script: vif-route, ip: 10.9.0.0/16}]"))
                  .interfaces[0]
                  .ip,
              "10.9.0.0/16");
}

TEST(Interfaces, AServiceChangesOrReplacesWhatDefaultsSay) {
    const std::string two = "defaults: {interfaces: [{bridge: br1}, {bridge: br2}]}\n";
    EXPECT_EQ(service_of(good_service, two).interfaces.size(), 2U);
    EXPECT_EQ(service_of(good_service, two).interfaces[1].mac, second);
    EXPECT_EQ(service_of(good_service.with("interfaces", "[{bridge: br3}]"), two).interfaces,
              (std::vector<service::Interface>{{first, "br3", "", "", "", ""}}));
    EXPECT_EQ(service_of(good_service.with("mac", "02:ab:cd:00:00:01"), "defaults: {bridge: br1}\n")
                  .interfaces,
              (std::vector<service::Interface>{{given, "br1", "", "", "", ""}}));
    EXPECT_EQ(problems_of(two + service_config({good_service.with("bridge", "br3")})),
              "10:13: bridge: there are 2 interfaces that it could be of; list them all in "
              "interfaces");
}

TEST(Interfaces, MacsAreOfOneInterface) {
    EXPECT_EQ(problems_of(service_config({good_service.with(
                  "interfaces", "[{mac: 02:ab:cd:00:00:01}, {mac: 02:ab:cd:00:00:01}]")})),
              "9:50: mac: 02:ab:cd:00:00:01 is that of two of its interfaces; set another mac: "
              "for one of the two");
    EXPECT_EQ(problems_of("defaults: {interfaces: [{mac: 02:ab:cd:00:00:01}]}\n" +
                          service_config({good_service})),
              "1:31: defaults.interfaces.mac: every service has its own; move it there");
}

TEST(Disks, AreRead) {
    const service::Template service = service_of(good_service.with(
        "disks",
        "[{path: a.img, device: xvda}, {path: /dev/vg/b, device: hdd63, mode: w, format: qcow2}]"));
    ASSERT_EQ(service.disks.size(), 2U);
    EXPECT_EQ(service.disks[0].path, "/etc/summond/a.img");
    EXPECT_EQ(service.disks[0].device, "xvda");
    EXPECT_FALSE(service.disks[0].writable);
    EXPECT_EQ(service.disks[0].format, service::Disk::Format::raw);
    EXPECT_EQ(service.disks[1].path, "/dev/vg/b");
    EXPECT_TRUE(service.disks[1].writable);
    EXPECT_EQ(service.disks[1].format, service::Disk::Format::qcow2);
}

TEST(Disks, Devices) {
    for (const std::string device : {"xvda", "xvdz", "xvdaa", "xvda255", "hdd", "sdp15"})
        EXPECT_EQ(service_of(good_service.with("disks", "[{path: a, device: " + device + "}]"))
                      .disks.at(0)
                      .device,
                  device);
}

class BadDevice : public testing::TestWithParam<BadCase> {};

TEST_P(BadDevice, IsRefused) {
    const std::string yaml = service_config({good_service.with(GetParam().key, GetParam().value)});
    EXPECT_EQ(problems_of(yaml), GetParam().problem);
    EXPECT_FALSE(parse(yaml, file).config);
}

const std::string bridge =
    "; it must be the name of a bridge of dom0, such as xenbr0, or none for no network interface";
const std::string mac = "; it must be a unicast MAC address, such as 00:16:3e:12:34:56";
const std::string device =
    "; it must be a disk as the guest sees it: xvda, xvdb and so on, hda to hdd, sda to sdp, "
    "d0p1, or a number such as 0x1";
const std::string only_script =
    ": only a script uses it; name one, such as script: vif-route, or a path: vif-bridge alone is "
    "what summond does itself";
const std::string script =
    "; it must be a hotplug script: a path that begins with /, or the name of one of Xen's, such "
    "as vif-route";
const std::string ip =
    "; it must be addresses or networks for the script, such as 10.0.0.10 or 10.0.8.0/24";

INSTANTIATE_TEST_SUITE_P(
    Interfaces, BadDevice,
    testing::Values(
        BadCase{"mac", "01:16:3e:00:00:01",
                "9:10: mac is \"01:16:3e:00:00:01\", a multicast address" + mac},
        BadCase{"mac", "00:00:00:00:00:00",
                "9:10: mac is \"00:00:00:00:00:00\", which is no station's address" + mac},
        BadCase{"mac", "fe:ff:ff:ff:ff:ff",
                "9:10: mac is \"fe:ff:ff:ff:ff:ff\", which Xen gives to dom0's end of every "
                "vif" +
                    mac},
        BadCase{"mac", "00-16-3e-00-00-01", "9:10: mac is \"00-16-3e-00-00-01\"" + mac},
        BadCase{"mac", "00:16:3e:00:00:0g", "9:10: mac is \"00:16:3e:00:00:0g\"" + mac},
        BadCase{"bridge", "a/b",
                "9:13: bridge is \"a/b\", which no network interface can be called" + bridge},
        BadCase{"bridge", std::string(16, 'b'),
                "9:13: bridge is \"bbbbbbbbbbbbbbbb\", which no network interface can be called" +
                    bridge},
        BadCase{"bridge", "none",
                "9:13: bridge: none leaves service www without the network interface by which it "
                "would be ready; set ready: {xenstore: data/ready}"},
        BadCase{"bridge", "none\n    mac: 02:00:00:00:00:01\n    ready: {xenstore: data/a}",
                "10:10: mac: bridge: none leaves no interface that it could be of; leave it out"},
        BadCase{"script", "scripts/mine", "9:13: script is \"scripts/mine\"" + script},
        BadCase{"script", "vif route", "9:13: script is \"vif route\"" + script},
        BadCase{"interfaces", "xenbr0",
                "9:17: interfaces is \"xenbr0\"; it must be a list of interfaces, such as - "
                "bridge: xenbr0"},
        BadCase{"interfaces", "[]",
                "9:17: interfaces is an empty list; it must be a list of interfaces, such as - "
                "bridge: xenbr0"},
        BadCase{"interfaces", "[xenbr0]",
                "9:18: interfaces is \"xenbr0\"; it must be an interface, such as {bridge: "
                "xenbr0}"},
        BadCase{"interfaces", "[{}, {}, {}, {}, {}, {}, {}, {}, {}]",
                "9:17: interfaces: more than 8 interfaces"},
        BadCase{
            "interfaces", "[{bridge: none}]",
            "9:27: interfaces.bridge is \"none\"; it must be the name of a bridge of dom0, such "
            "as xenbr0"},
        BadCase{"interfaces", "[{script: vif-bridge, ip: 10.0.0.1}]",
                "9:43: interfaces.ip" + only_script},
        BadCase{"interfaces", "[{rate: 1, mtu: 10, trusted: yes}]",
                "9:25: interfaces.rate is \"1\"; it must be bits or bytes in a second, such as "
                "10Mb/s or 1MB/s@20ms\n9:33: interfaces.mtu is \"10\"; it must be a whole number "
                "from 68 to 65517\n9:46: interfaces.trusted is \"yes\"; it must be false or true"},
        BadCase{"interfaces", "[{ip: 10.0.0.1}]", "9:23: interfaces.ip" + only_script},
        BadCase{"interfaces", "[{script: vif-nat, ip: 10.0.0.0/33}]",
                "9:40: interfaces.ip is \"10.0.0.0/33\"" + ip},
        BadCase{"interfaces", "[{script: vif-nat, ip: [10.0.0]}]",
                "9:41: interfaces.ip is \"10.0.0\"" + ip},
        BadCase{"interfaces", "[{script: vif-nat, vifname: a/b}]",
                "9:45: interfaces.vifname is \"a/b\"; it must be the name of a network interface "
                "of dom0, such as eth0"},
        BadCase{"interfaces", "[{model: e1000}]",
                "9:19: unknown key \"interfaces.model\"; known here: script, bridge, mac, ip, "
                "gatewaydev, vifname, rate, mtu and trusted"},
        BadCase{"interfaces", "[{bridge: br0}]\n    bridge: br1",
                "10:13: bridge: interfaces is there too; say it in there, or leave out "
                "interfaces"}));

INSTANTIATE_TEST_SUITE_P(
    Disks, BadDevice,
    testing::Values(
        BadCase{"disks", "{path: a}", "9:12: disks is a mapping; it must be a list of disks"},
        BadCase{"disks", "[a.img]",
                "9:13: disks is \"a.img\"; it must be a disk, such as {path: www.img, device: "
                "xvda}"},
        BadCase{"disks", "[{device: xvda}]",
                "9:13: a disk has no path; name its image or block device"},
        BadCase{"disks", "[{path: a}]",
                "9:13: a disk has no device; say what the guest sees: xvda"},
        BadCase{"disks", "[{path: a, device: hde}]", "9:31: disks.device is \"hde\"" + device},
        BadCase{"disks", "[{path: a, device: xvda01}]",
                "9:31: disks.device is \"xvda01\"" + device},
        BadCase{"disks", "[{path: a, device: xvd1}]", "9:31: disks.device is \"xvd1\"" + device},
        BadCase{"disks", "[{path: a, device: /dev/xvda}]",
                "9:31: disks.device is \"/dev/xvda\"" + device},
        BadCase{"disks", "[{path: a, device: xvda}, {path: b, device: xvda}]",
                "9:56: disks.device: xvda is another disk of this service already"},
        BadCase{"disks", "[{path: a, device: xvda, mode: rw}]",
                "9:43: disks.mode is \"rw\"; it must be r or w"},
        BadCase{"disks", "[{path: a, device: xvda, format: vmdk}]",
                "9:45: disks.format is \"vmdk\"; it must be raw, qcow2, vhd, qcow or qed"},
        BadCase{"disks", "[{path: a, device: xvda, cdrom: true, mode: w}]",
                "9:56: disks.mode: a CD is not written to; leave it out"},
        BadCase{"disks", "[{path: a, device: xvda, mod: r}]",
                "9:37: unknown key \"disks.mod\"; did you mean \"disks.mode\"?"}));

}  // namespace
}  // namespace summond::config
