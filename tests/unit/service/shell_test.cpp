#include "summond/service/shell.hpp"

#include <gtest/gtest.h>

#include "summond/service/domain_settings.hpp"

namespace summond::service {
namespace {

Template service(const std::string& name) {
    Template service;
    service.id = id_of(name);
    service.name = name;
    service.kernel = "/srv/page.xen";
    service.cmdline = "--name=" + name;
    service.memory_kib = service.max_memory_kib = 16384;
    service.max_vcpus = 1;
    service.standby.shells = 4;
    Interface& interface = service.interfaces.emplace_back();
    interface.mac = derived_mac(service.id);
    interface.bridge = "xenbr0";
    return service;
}

Id kind_of(const Template& service) {
    const auto shell = shell_of(service);
    EXPECT_TRUE(shell);
    return shell ? shell->id() : 0;
}

TEST(Shell, IsTheSameForDomainsThatAreAlike) {
    const auto shell = shell_of(service("www"));
    ASSERT_TRUE(shell);
    EXPECT_TRUE(is_shell(*shell));
    EXPECT_FALSE(is_shell(service("www")));
    EXPECT_TRUE(shell->name().starts_with("shell+")) << shell->name();
    EXPECT_EQ((*shell)->standby, (Standby{4, StandbyStage::built}));
    EXPECT_EQ(kind_of(service("www")), kind_of(service("other"))) << "of another name, MAC, line";
    EXPECT_EQ(domain_settings(*shell), domain_settings(*shell_of(service("other"))));

    for (const auto& change : std::initializer_list<void (*)(Template&)>{
             [](Template& s) { s.kernel = "/srv/other.xen"; },
             [](Template& s) { s.memory_kib = 32768; }, [](Template& s) { s.vcpus = 2; },
             [](Template& s) { s.options["cpu_weight"] = "100"; },
             [](Template& s) { s.interfaces[0].bridge = "xenbr1"; },
             [](Template& s) { s.interfaces.emplace_back(); },
             [](Template& s) { s.ramdisk = "/srv/initrd"; },
             [](Template& s) {
                 s.disks.push_back({"/srv/a.img", "xvda"});
             }}) {
        auto other = service("www");
        change(other);
        EXPECT_NE(kind_of(other), shell->id());
    }
    auto more = service("www");
    more.standby.shells = 9;
    EXPECT_EQ(kind_of(more), shell->id());
    more.standby.shells = 0;
    EXPECT_FALSE(shell_of(more));
}

TEST(Shell, HasRoomForEveryCommandLineAndNobodysMac) {
    const auto shell = *shell_of(service("www"));
    EXPECT_EQ(shell->cmdline, std::string(max_pvh_cmdline, ' '));
    EXPECT_EQ(shell.mac(0), derived_wide_mac(shell.id()));
    EXPECT_TRUE(shell.ipv4().empty());
}

TEST(Shell, OfAPvGuestHasItsCommandLineAndNotItsRumprun) {
    auto rumprun = service("www");
    rumprun.type = DomainType::pv;
    rumprun.rumprun = "{\"cmdline\": \"httpd\"}";
    auto other = rumprun;
    other.rumprun = "{\"cmdline\": \"other\"}";
    EXPECT_EQ(kind_of(rumprun), kind_of(other));
    EXPECT_TRUE((*shell_of(rumprun))->rumprun.empty());
    other.cmdline = "other";
    EXPECT_NE(kind_of(rumprun), kind_of(other));
}

TEST(Shell, OfAPatternIsThatOfItsInstances) {
    auto rule = std::make_shared<Pattern>();
    rule->names = {{"", "", *dns::Name::parse("pages.jit.example")}};
    rule->grammar.longest = 8;
    rule->addresses = std::make_shared<IdAddresses>(
        base::IpPrefix{*base::IpAddress::parse("2001:db8:1::"), 64}, rule->grammar, Key{1});
    auto pages = std::make_shared<Template>(service("pages"));
    pages->pattern = rule;
    pages->cmdline = "--ipv6={ipv6}/64 --name={id}";
    const auto shell = shell_of(Instance(pages));
    ASSERT_TRUE(shell);
    EXPECT_EQ(shell_of(instance_of(pages, "x7f3"))->id(), shell->id());
    EXPECT_EQ(shell_of(instance_of(pages, "other"))->id(), shell->id());
    EXPECT_EQ((*shell)->pattern, nullptr);
}

TEST(Shell, WhyThereIsNone) {
    const auto why = [](void (*change)(Template&), Host host = Host::amd64) {
        auto changed = service("www");
        change(changed);
        return why_no_shell(changed, host);
    };
    EXPECT_EQ(why([](Template&) {}), "");
    EXPECT_EQ(why([](Template& s) { s.disks.push_back({"/srv/a.img", "xvda"}); }), "");
    EXPECT_EQ(why([](Template& s) { s.type = DomainType::pv, s.rumprun = "{}"; }), "");
    EXPECT_NE(why([](Template&) {}, Host::arm64), "");
    for (const auto& change : std::initializer_list<void (*)(Template&)>{
             [](Template& s) { s.type = DomainType::pv; }, [](Template& s) { s.pvshim = true; },
             [](Template& s) { s.bootloader = "pygrub"; },
             [](Template& s) {
                 s.shares.push_back({"tag", "/srv"});
             },
             [](Template& s) {
                 s.disks.push_back({"/srv/a.img", "xvda", true});
             },
             [](Template& s) { s.kernel = "/srv/{id}.xen"; },
             [](Template& s) { s.ramdisk = "/srv/{id}"; },
             [](Template& s) {
                 s.disks.push_back({"/srv/{id}.img", "xvda"});
             },
             [](Template& s) { s.interfaces[0].script = "vif-route"; },
             [](Template& s) { s.interfaces[0].vifname = "www0"; }})
        EXPECT_NE(why(change), "");
}

}  // namespace
}  // namespace summond::service
