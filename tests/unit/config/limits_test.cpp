// The mapping limits, and standby of a service.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string with_limits(const std::string& value) {
    return "limits: " + value + "\n" + zone_config(good_zone);
}

service::Standby standby(const std::string& value) {
    return config_of(service_config({good_service.with("standby", value)})).services.at(0).standby;
}

std::string standby_problem(const Lines& service) {
    return problems_of(service_config({service}));
}

TEST(LimitsKey, Defaults) {
    for (const service::Limits& limits :
         {config_of(zone_config(good_zone)).limits, config_of(with_limits("{}")).limits}) {
        EXPECT_FALSE(limits.memory_kib);
        EXPECT_FALSE(limits.domains);
        EXPECT_FALSE(limits.standby_memory_kib);
        EXPECT_EQ(limits.dom0_memory_kib, 1024U * 1024);
        EXPECT_FALSE(limits.evict);
        EXPECT_EQ(limits.queue, seconds(9));
        EXPECT_EQ(limits.pressure, 64U);
    }
}

TEST(LimitsKey, Values) {
    const service::Limits limits =
        config_of(
            with_limits("{memory: 8GiB, domains: 20, standby_memory: 64MiB, dom0_memory: 768MiB, "
                        "evict: true, queue: 500ms, pressure: 12}"))
            .limits;
    EXPECT_EQ(limits.memory_kib, 8U * 1024 * 1024);
    EXPECT_EQ(limits.domains, 20U);
    EXPECT_EQ(limits.standby_memory_kib, 64U * 1024);
    EXPECT_EQ(limits.dom0_memory_kib, 768U * 1024);
    EXPECT_TRUE(limits.evict);
    EXPECT_EQ(limits.queue, milliseconds(500));
    EXPECT_EQ(limits.pressure, 12U);
    EXPECT_FALSE(config_of(with_limits("{pressure: never}")).limits.pressure);
}

TEST(LimitsKey, BadValues) {
    EXPECT_EQ(problems_of(with_limits("{memory: 8}")),
              "1:18: limits.memory is \"8\", without a unit; it must be a size such as 8GiB");
    EXPECT_EQ(problems_of(with_limits("{domains: 0}")),
              "1:19: limits.domains is \"0\"; it must be a whole number from 1 to 32752");
    EXPECT_EQ(problems_of(with_limits("{dom0_memory: 64MiB}")),
              "1:23: limits.dom0_memory is \"64MiB\"; it must be a size such as 8GiB");
    EXPECT_EQ(problems_of(with_limits("{evict: perhaps}")),
              "1:17: limits.evict is \"perhaps\"; it must be false or true");
    EXPECT_EQ(problems_of(with_limits("{queue: 11s}")),
              "1:17: limits.queue is \"11s\"; it must be a duration from 0 to 10s, such as 9s");
    EXPECT_EQ(problems_of(with_limits("{pressure: 0}")),
              "1:20: limits.pressure is \"0\"; it must be a whole number from 1 to 32752");
    EXPECT_EQ(problems_of(with_limits("{memry: 8GiB}")),
              "1:10: unknown key \"limits.memry\"; did you mean \"limits.memory\"?");
}

TEST(StandbyKey, Values) {
    EXPECT_EQ(config_of(service_config({good_service})).services.at(0).standby, service::Standby());
    EXPECT_EQ(standby("2"), (service::Standby{2, service::StandbyStage::booted}));
    EXPECT_EQ(standby("{count: 3}"), (service::Standby{3, service::StandbyStage::booted}));
    EXPECT_EQ(standby("{count: 1, stage: built}"),
              (service::Standby{1, service::StandbyStage::built}));
}

TEST(StandbyKey, Shells) {
    EXPECT_EQ(standby("{shells: 4}"), (service::Standby{0, service::StandbyStage::booted, 4}));
    EXPECT_EQ(standby("{count: 1, stage: built, shells: 4}"),
              (service::Standby{1, service::StandbyStage::built, 4}));
    EXPECT_EQ(standby_problem(good_service.with("standby", "{shells: 513}")),
              "9:23: standby.shells is \"513\"; it must be a whole number from 0 to 512");
    EXPECT_EQ(standby_problem(good_service.with("standby", "{shells: 4, stage: built}")),
              "9:33: standby.stage: it is how far copies get, and goes with count; shells are "
              "built");
}

TEST(StandbyKey, SaysWhereThereAreNoShells) {
    const auto shells = good_service.with("standby", "{shells: 4}");
    EXPECT_EQ(standby_problem(shells), "");
    const auto is_warned_of = [](const Lines& service, const std::string& why,
                                 service::Host host = service::Host::amd64) {
        const std::string text = service_config({service});
        EXPECT_EQ(problems_of(text, host),
                  "9:14: warning: standby: no wake takes a shell: service www " + why +
                      ", or set standby: 0");
        const auto loaded = parse(text, file, {}, ReadZones::yes, host);
        ASSERT_TRUE(loaded.config) << "it is served all the same";
        EXPECT_EQ(loaded.config->services.at(0).standby.shells, 0U);
    };
    is_warned_of(shells.with("type", "pv"),
                 "is a PV guest, whose command line stays as it was built; set type: pvh, if its "
                 "kernel can");
    is_warned_of(shells.with("disks", "[{path: a.img, device: xvda, mode: w}]"),
                 "has a disk that is written to, which two domains would have at once; set mode: "
                 "r for it");
    is_warned_of(shells.with("script", "vif-route"),
                 "has a hotplug script, which would connect a domain that is nobody's yet; leave "
                 "script out");
    is_warned_of(shells,
                 "has its command line in a device tree, which is written when its domain is "
                 "built",
                 service::Host::arm64);
}

TEST(StandbyKey, BadValues) {
    EXPECT_EQ(standby_problem(good_service.with("standby", "65")),
              "9:14: standby is \"65\"; it must be a whole number from 0 to 64");
    EXPECT_EQ(standby_problem(good_service.with("standby", "{stage: built}")),
              "9:14: standby has no count; say how many copies, such as count: 1");
    EXPECT_EQ(standby_problem(good_service.with("standby", "{count: 1, stage: new}")),
              "9:32: standby.stage is \"new\"; it must be booted or built");
}

TEST(StandbyKey, NothingThatCopiesWouldShare) {
    EXPECT_EQ(standby_problem(good_service.with("standby", "1").with("script", "vif-route")),
              "9:14: standby: a hotplug script of service www would connect its copies to the "
              "network; set standby: 0, or leave the script out");
    const auto disks =
        good_service.with("standby", "1").with("disks", "[{path: a.img, device: xvda, mode: w}]");
    EXPECT_EQ(standby_problem(disks),
              "9:14: standby: a disk of service www would be written to by its copies, too; set "
              "standby: 0, or mode: r for the disk");
}

TEST(StandbyKey, NoBootedCopiesOfWhatEndsByItself) {
    const auto job = good_service.with("ready", "ends");
    EXPECT_EQ(standby_problem(job.with("standby", "1")),
              "10:14: standby: copies of service www would end before they are woken; set stage: "
              "built, or standby: 0");
    EXPECT_EQ(standby_problem(job.with("standby", "{count: 1, stage: built}")), "");
}

}  // namespace
}  // namespace summond::config
