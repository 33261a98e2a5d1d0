// What wakes a service, and whom.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

TEST(Wake, ByPacketWhereSummondPlumbsTheInterface) {
    EXPECT_TRUE(service_of(good_service).wake_packet);
    EXPECT_TRUE(service_of(good_service.with("wake", "[dns, packet]")).wake_packet);
    EXPECT_FALSE(service_of(good_service.with("wake", "dns")).wake_packet);
    EXPECT_FALSE(service_of(good_service.with("interfaces", "[{script: vif-route}]")).wake_packet);
    EXPECT_FALSE(
        service_of(good_service.with("bridge", "none").with("ready", "{xenstore: data/ready}"))
            .wake_packet);
}

TEST(Wake, FromWhere) {
    EXPECT_TRUE(service_of(good_service).wake_from.empty());
    EXPECT_TRUE(service_of(good_service.with("wake_from", "any")).wake_from.empty());
    const service::Template service =
        service_of(good_service.with("wake_from", "[10.0.0.0/8, \"2001:db8::/32\"]"));
    ASSERT_EQ(service.wake_from.size(), 2U);
    EXPECT_EQ(service.wake_from[1].to_string(), "2001:db8::/32");
}

TEST(Wake, ByPacketOnly) {
    EXPECT_TRUE(service_of(good_service).wake_dns);
    EXPECT_TRUE(service_of(good_service.with("wake", "dns")).wake_dns);
    const service::Template service = service_of(good_service.with("wake", "packet"));
    EXPECT_FALSE(service.wake_dns);
    EXPECT_TRUE(service.wake_packet);
    const service::Template some =
        service_of(good_service.with("wake_query_from", "[10.0.0.0/8, 192.0.2.1]"));
    ASSERT_EQ(some.wake_query_from.size(), 2U);
    EXPECT_EQ(some.wake_query_from[1].to_string(), "192.0.2.1/32");
}

TEST(Wake, ByWhom) {
    EXPECT_FALSE(service_of(good_service).wake_by_proof);
    EXPECT_FALSE(service_of(good_service.with("wake_by", "any")).wake_by_proof);
    EXPECT_TRUE(service_of(good_service.with("wake_by", "proof")).wake_by_proof);
    const auto problems = [](const std::string& wake, const std::string& ports) {
        return problems_of(service_config({good_service.with("wake_by", "proof")
                                               .with("wake", wake)
                                               .with("ports", ports)
                                               .with("ready", "link")}));
    };
    EXPECT_EQ(problems("packet", "[udp/53, icmp]"),
              "9:14: warning: wake_by: nobody wakes service www: no packet to its ports can show "
              "whose it is, and queries do not wake it; say wake: [dns, packet], or wake_by: any");
    EXPECT_EQ(problems("packet", "[udp/53, tcp/53]"), "");
    EXPECT_EQ(problems("[dns, packet]", "udp/53"), "");
}

TEST(Idle, WhatKeepsAndWhatDoesNot) {
    using namespace std::chrono_literals;
    const service::Template plain = service_of(good_service.with("idle", "{after: 10m}"));
    EXPECT_EQ(plain.keep_connections, 0ms);
    EXPECT_TRUE(plain.idle_ignore.empty());
    const service::Template kept = service_of(
        good_service.with("idle", "{keep: connections, ignore: [192.0.2.7, \"2001:db8::/64\"]}"));
    EXPECT_EQ(kept.keep_connections, 2h);
    ASSERT_EQ(kept.idle_ignore.size(), 2U);
    EXPECT_EQ(kept.idle_ignore[0].to_string(), "192.0.2.7/32");
    EXPECT_EQ(service_of(good_service.with("idle", "{keep: {connections: 15m}}")).keep_connections,
              15min);
}

struct Bad {
    std::string key;
    std::string value;
    std::string what;
};
void PrintTo(const Bad& bad, std::ostream* out) {
    *out << bad.key << ": " << bad.value;
}
class BadWake : public testing::TestWithParam<Bad> {};

TEST_P(BadWake, IsRefused) {
    const auto loaded =
        parse(service_config({good_service.with(GetParam().key, GetParam().value)}), file);
    EXPECT_FALSE(loaded.config);
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_NE(loaded.problems[0].to_string().find(GetParam().what), std::string::npos)
        << loaded.problems[0].to_string();
}

INSTANTIATE_TEST_SUITE_P(
    , BadWake,
    testing::Values(Bad{"wake", "[dns, http]", "wake is \"http\"; it must be dns or packet"},
                    Bad{"wake", "[dns, dns]", "is there already"},
                    Bad{"wake_by", "cookie", "wake_by is \"cookie\"; it must be any or proof"},
                    Bad{"wake_from", "10.0.0.1/8", "wake_from"},
                    Bad{"wake_from", "[10.0.0.0/8, 10.0.0.0/8]", "is there twice"},
                    Bad{"wake_from", "everybody", "wake_from is \"everybody\""},
                    Bad{"wake_query_from", "[any]", "wake_query_from is \"any\""},
                    Bad{"idle", "{ignore: 10.0.0.1/8}", "idle.ignore"},
                    Bad{"idle", "{keep: sessions}", "idle.keep is \"sessions\""},
                    Bad{"idle", "{keep: {connections: 30s}}", "from 2m to 1d"}));

TEST(Wake, ByPacketWhereItCannotBe) {
    const auto loaded =
        parse(service_config({good_service.with("interfaces", "[{script: vif-route}]")
                                  .with("wake", "[dns, packet]")}),
              file);
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems[0].to_string(),
              file +
                  ":10:11: service www cannot be woken by a packet: a hotplug script puts its "
                  "interface where summond does not know its way; say wake: dns for it");
}

TEST(AnswerReady, WarnsWhereTheGuestMayNeedLongerThanAQueryWaits) {
    const auto problems = [](const std::string& wake, const std::string& answer,
                             const std::string& ready) {
        return problems_of(service_config(
            {good_service.with("wake", wake).with("answer", answer).with("ready", ready)}));
    };
    EXPECT_EQ(
        problems("dns", "ready", "{tcp: 80, timeout: 16s}"),
        "11:31: warning: ready.timeout: with answer: ready the first query for service www is "
        "answered SERVFAIL where the guest takes longer than 10s; let packets wake it, which are "
        "held until it is ready, or have standby copies");
    EXPECT_EQ(problems("[dns, packet]", "ready", "{tcp: 80, timeout: 16s}"), "");
    EXPECT_EQ(problems("dns", "booting", "{tcp: 80, timeout: 16s}"), "");
    EXPECT_EQ(problems("dns", "ready", "{tcp: 80, timeout: 10s}"), "");
    EXPECT_EQ(problems("dns", "ready", "tcp/80"), "") << "nobody has said how long";
}

}  // namespace
}  // namespace summond::config
