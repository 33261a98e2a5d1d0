#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

Zone zone_with(const std::string& key, const std::string& value) {
    return config_of(zone_config(good_zone.with(key, value))).zones[0];
}

std::string problem_with(const std::string& value) {
    return problems_of(zone_config(good_zone.with("transfer", value)));
}

TEST(TransferSettings, NobodyGetsAZoneThatDoesNotSaySo) {
    const Zone zone = config_of(zone_config(good_zone)).zones[0];
    EXPECT_FALSE(zone.transfer);
    EXPECT_EQ(zone.serial, SerialPolicy::file);
}

TEST(TransferSettings, All) {
    const Zone zone = zone_with("transfer",
                                "{to: [192.0.2.2, \"2001:db8::/32\"], keys: [Second.example], "
                                "notify: [192.0.2.2, {address: \"[2001:db8::2]:5353\", key: "
                                "second.example}]}");
    const Transfer& transfer = zone.transfer.value();
    ASSERT_EQ(transfer.to.size(), 2U);
    EXPECT_EQ(transfer.to[0].to_string(), "192.0.2.2/32");
    ASSERT_EQ(transfer.keys.size(), 1U);
    EXPECT_EQ(transfer.keys[0].to_string(), "second.example.");
    ASSERT_EQ(transfer.notify.size(), 2U);
    EXPECT_EQ(transfer.notify[0].to.to_string(), "192.0.2.2:53");
    EXPECT_FALSE(transfer.notify[0].key);
    EXPECT_EQ(transfer.notify[1].to.to_string(), "[2001:db8::2]:5353");
    EXPECT_EQ(transfer.notify[1].key->to_string(), "second.example.");
    // Its records are in the configuration, where nobody counts.
    EXPECT_EQ(zone.serial, SerialPolicy::unixtime);
}

TEST(TransferSettings, Anybody) {
    EXPECT_EQ(zone_with("transfer", "{to: any}").transfer->to.size(), 2U);
    EXPECT_TRUE(zone_with("transfer", "{to: any, keys: k}").transfer->to.empty());
}

TEST(TransferSettings, Serials) {
    EXPECT_EQ(zone_with("serial", "unixtime").serial, SerialPolicy::unixtime);
    EXPECT_EQ(zone_with("serial", "increment").serial, SerialPolicy::increment);
    EXPECT_EQ(zone_with("serial", "file").serial, SerialPolicy::file);
}

TEST(TransferSettings, WhatIsWrong) {
    EXPECT_NE(problem_with("{notify: 192.0.2.2}").find("names nobody who may have the zone"),
              std::string::npos);
    EXPECT_NE(problem_with("{to: nowhere}").find("a network such as 192.0.2.0/24"),
              std::string::npos);
    EXPECT_NE(problem_with("{to: any, notify: 224.0.0.1}").find("no address of one host"),
              std::string::npos);
    EXPECT_NE(problem_with("{to: any, notfy: 192.0.2.2}").find("notify"), std::string::npos);
    EXPECT_NE(problem_with("{keys: k..k}").find("empty label"), std::string::npos);
    EXPECT_NE(problem_with("on").find("a mapping"), std::string::npos);
}

}  // namespace
}  // namespace summond::config
