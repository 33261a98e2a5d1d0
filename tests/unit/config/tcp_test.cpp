// The mapping tcp.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

Tcp tcp(const std::string& value) {
    return config_of("tcp: " + value + "\n" + zone_config(good_zone)).tcp;
}

TEST(TcpKey, Defaults) {
    for (const Tcp& limits : {config_of(zone_config(good_zone)).tcp, tcp("{}")}) {
        EXPECT_EQ(limits.connections, 512U);
        EXPECT_EQ(limits.per_source, 64U);
        EXPECT_EQ(limits.idle, std::chrono::seconds(10));
        EXPECT_TRUE(limits.exempt.empty());
    }
}

TEST(TcpKey, Values) {
    const Tcp limits =
        tcp("{connections: 100000, per_source: 1, idle: 1500ms, exempt: [192.0.2.0/24, "
            "\"2001:db8::1\"]}");
    EXPECT_EQ(limits.connections, 100'000U);
    EXPECT_EQ(limits.per_source, 1U);
    EXPECT_EQ(limits.idle, std::chrono::milliseconds(1500));
    ASSERT_EQ(limits.exempt.size(), 2U);
    EXPECT_EQ(limits.exempt[0].to_string(), "192.0.2.0/24");
    EXPECT_EQ(limits.exempt[1].to_string(), "2001:db8::1/128");
    EXPECT_TRUE(tcp("{exempt: none}").exempt.empty());
}

class BadTcp : public testing::TestWithParam<BadCase> {};

TEST_P(BadTcp, IsRefused) {
    EXPECT_EQ(problems_of("tcp: " + GetParam().value + "\n" + zone_config(good_zone)),
              GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadTcp,
    testing::Values(
        BadCase{"", "on",
                "1:6: tcp is \"on\"; it must be a mapping, such as {per_source: 64, idle: 10s}"},
        BadCase{"", "{connections: 0}",
                "1:20: tcp.connections is \"0\"; it must be a whole number from 1 to 100000"},
        BadCase{"", "{per_source: 100001}",
                "1:19: tcp.per_source is \"100001\"; it must be a whole number from 1 to 100000"},
        BadCase{
            "", "{idle: 10}",
            "1:13: tcp.idle is \"10\", without a unit; it must be a duration from 1s to 1h, such "
            "as 10s"},
        BadCase{
            "", "{exempt: 192.0.2.1/24}",
            "1:15: tcp.exempt is \"192.0.2.1/24\", with bits set beyond its length; it must be a "
            "network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address"},
        BadCase{"", "{timeout: 1s}",
                "1:7: unknown key \"tcp.timeout\"; known here: connections, per_source, idle and "
                "exempt"}));

}  // namespace
}  // namespace summond::config
