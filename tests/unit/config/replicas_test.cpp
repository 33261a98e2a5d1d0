// Several domains of one service: replicas:.
#include <gtest/gtest.h>

#include <set>

#include "summond/service/instance.hpp"
#include "texts.hpp"

namespace summond::config {
namespace {

const Lines four = good_service.with("addresses",
                                     "[10.0.0.10, 10.0.0.11, 10.0.0.12, 10.0.0.13, "
                                     "2001:db8::10, 2001:db8::11, 2001:db8::12, 2001:db8::13]");
constexpr const char* usual = "{min: 1, max: 4, add_at: {packets: 2000/s}}";

std::string text_of(const std::vector<base::IpAddress>& addresses) {
    std::string text;
    for (const base::IpAddress& address : addresses)
        text += (text.empty() ? "" : " ") + address.to_string();
    return text;
}

TEST(Replicas, EachIsAServiceWithWhatIsItsOwn) {
    const Config config = config_of(service_config(
        {four.with("cmdline", "ip={ipv4} ip6={ipv6} {name} {mac}").with("replicas", usual)}));
    ASSERT_EQ(config.services.size(), 4u);
    ASSERT_EQ(config.service_places.size(), 4u);
    const service::Template& first = config.services[0];
    EXPECT_EQ(first.name, "www");
    EXPECT_EQ(first.names.size(), 1u);
    std::set<service::Mac> macs;
    for (std::uint32_t i = 0; i < 4; ++i) {
        const service::Template& one = config.services[i];
        const std::string name = i == 0 ? "www" : "www:" + std::to_string(i);
        EXPECT_EQ(one.name, name);
        EXPECT_EQ(one.id, service::id_of(name));
        EXPECT_EQ(
            one.replicas,
            (service::Replicas{
                .of = first.id, .number = i, .count = 4, .min = 1, .add_at = 2000, .answers = 4}));
        EXPECT_EQ(one.names.empty(), i > 0);
        EXPECT_EQ(one.min, i == 0 ? 1u : 0u);
        EXPECT_EQ(text_of(one.ipv4), "10.0.0.1" + std::to_string(i));
        EXPECT_EQ(text_of(one.ipv6), "2001:db8::1" + std::to_string(i));
        EXPECT_TRUE(macs.insert(one.interfaces.at(0).mac).second);
        EXPECT_EQ(one.cmdline, "ip=" + text_of(one.ipv4) + " ip6=" + text_of(one.ipv6) + " " +
                                   name + " " + service::to_string(one.interfaces[0].mac));
        EXPECT_EQ(service::Instance(one).name(), name);
    }
}

TEST(Replicas, Windows) {
    const Config config = config_of(
        service_config({good_service.with("addresses", "[10.0.0.10, 10.0.0.11]")
                            .with("keep", "{from: 08:00, to: 09:00}")
                            .with("replicas", "{max: 2, add_at: {packets: 1 /s}, answers: 1}")}));
    ASSERT_EQ(config.services.size(), 2u);
    EXPECT_EQ(config.services[0].keep.size(), 1u);
    EXPECT_TRUE(config.services[1].keep.empty());
    EXPECT_EQ(config.services[0].min, 0u);
    EXPECT_EQ(config.services[0].replicas->answers, 1u);
    EXPECT_EQ(config.services[0].replicas->add_at, 1u);
}

TEST(Replicas, NoneIsOneDomain) {
    EXPECT_FALSE(service_with("ttl", "5").replicas);
}

// What is said beside them is what is wrong.
struct Beside {
    std::string key;
    std::string value;
    std::string problem;
};

TEST(Replicas, WhatIsRefused) {
    const Beside rows[] = {
        {"replicas", "4",
         "replicas is \"4\"; it must be a mapping, such as {max: 4, add_at: {packets: 2000/s}}"},
        {"replicas", "{add_at: {packets: 5/s}}",
         "replicas has no max; say how many there are at most, such as max: 4"},
        {"replicas", "{max: 4}",
         "replicas has no add_at; say when another one is woken, such as add_at: {packets: "
         "2000/s}"},
        {"replicas", "{max: 17, add_at: {packets: 5/s}}",
         "replicas.max is \"17\"; it must be a whole number from 1 to 16"},
        {"replicas", "{max: 4, add_at: {packets: 2000}}",
         "replicas.add_at.packets is \"2000\"; it must be packets in a second, from 1/s to "
         "100000000/s, such as 2000/s"},
        {"replicas", "{min: 5, max: 4, add_at: {packets: 1/s}}",
         "replicas.min: 5 is more than max, 4"},
        {"mac", "00:16:3e:00:00:01",
         "mac: each of the replicas of service www has its own; leave it out"},
        {"min", "1",
         "min: how many of service www are always up is said in replicas: {min: 1}; leave it out "
         "beside that"},
        {"p9", "[{tag: a, path: /srv}]",
         "p9: all replicas of service www would write to the same directories; leave p9 or "
         "replicas out"},
        {"addresses", "[10.0.0.10, 10.0.0.11, 10.0.0.12]",
         "addresses: service www has 3 of IPv4 for 4 replicas; list one for each of them, or set "
         "replicas.max to 3"},
    };
    for (const Beside& row : rows) {
        const std::string problems =
            problems_of(service_config({four.with("replicas", usual).with(row.key, row.value)}));
        EXPECT_NE((problems + "\n").find(" " + row.problem + "\n"), std::string::npos)
            << row.key << ": " << row.value << "\n"
            << problems;
        EXPECT_TRUE(row.key != "replicas" || problems.find('\n') == std::string::npos) << problems;
    }
    EXPECT_NE(
        problems_of(service_config({four.with("replicas", usual)
                                        .with("disks", "[{path: /a, device: xvda, mode: w}]")}))
            .find("disks: all replicas of service www would write to /a; say mode: r"),
        std::string::npos);
}

}  // namespace
}  // namespace summond::config
