// The mapping rate_limit.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

RateLimit rate_limit(const std::string& value) {
    return config_of("rate_limit: " + value + "\n" + zone_config(good_zone)).rate_limit;
}

std::string exempt(const std::string& value) {
    std::string text;
    for (const base::IpPrefix& prefix : rate_limit("{exempt: " + value + "}").exempt)
        text += (text.empty() ? "" : " ") + prefix.to_string();
    return text;
}

TEST(RateLimitKey, Defaults) {
    for (const RateLimit& limit :
         {config_of(zone_config(good_zone)).rate_limit, rate_limit("on"), rate_limit("{}")}) {
        EXPECT_TRUE(limit.enabled);
        EXPECT_EQ(limit.responses_per_second, 1000U);
        EXPECT_EQ(limit.slip, 1U);
        EXPECT_EQ(limit.ipv4_prefix, 24U);
        EXPECT_EQ(limit.ipv6_prefix, 56U);
        ASSERT_EQ(limit.exempt.size(), 2U);
        EXPECT_EQ(limit.exempt[0].to_string(), "127.0.0.0/8");
        EXPECT_EQ(limit.exempt[1].to_string(), "::1/128");
    }
}

TEST(RateLimitKey, Values) {
    EXPECT_FALSE(rate_limit("off").enabled);
    const RateLimit limit = rate_limit(
        "{responses_per_second: 20, slip: 2, ipv4_prefix: 32, ipv6_prefix: 64, exempt: none}");
    EXPECT_TRUE(limit.enabled);
    EXPECT_EQ(limit.responses_per_second, 20U);
    EXPECT_EQ(limit.slip, 2U);
    EXPECT_EQ(limit.ipv4_prefix, 32U);
    EXPECT_EQ(limit.ipv6_prefix, 64U);
    EXPECT_TRUE(limit.exempt.empty());
    EXPECT_EQ(rate_limit("{slip: 0}").slip, 0U);
    EXPECT_EQ(rate_limit("{responses_per_second: 1000000}").responses_per_second, 1'000'000U);
}

TEST(RateLimitKey, Exempt) {
    EXPECT_EQ(exempt("192.0.2.0/24"), "192.0.2.0/24");
    EXPECT_EQ(exempt("192.0.2.1"), "192.0.2.1/32");
    EXPECT_EQ(exempt("[\"2001:db8::/32\", \"2001:db8::1\", 0.0.0.0/0, 192.0.2.128/25]"),
              "2001:db8::/32 2001:db8::1/128 0.0.0.0/0 192.0.2.128/25");
}

class BadRateLimit : public testing::TestWithParam<BadCase> {};

TEST_P(BadRateLimit, IsRefused) {
    EXPECT_EQ(problems_of(GetParam().key + ": " + GetParam().value + "\n" + zone_config(good_zone)),
              GetParam().problem);
}

const std::string network =
    "; it must be a network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address";

BadCase bad_exempt(const std::string& value, const std::string& what) {
    return {"rate_limit", "{exempt: " + value + "}",
            "1:22: rate_limit.exempt is \"" + value + "\"" + what + network};
}

INSTANTIATE_TEST_SUITE_P(
    RateLimitKey, BadRateLimit,
    testing::Values(
        BadCase{"rate_limit", "maybe",
                "1:13: rate_limit is \"maybe\"; it must be on, off or a mapping, such as "
                "{responses_per_second: 1000}"},
        BadCase{"rate_limit", "{rate: 5}",
                "1:14: unknown key \"rate_limit.rate\"; known here: responses_per_second, slip, "
                "ipv4_prefix, ipv6_prefix and exempt"},
        BadCase{"rate_limit", "{responses_per_second: 0}",
                "1:36: rate_limit.responses_per_second is \"0\"; it must be a whole number from 1 "
                "to 1000000"},
        BadCase{"rate_limit", "{slip: 11}",
                "1:20: rate_limit.slip is \"11\"; it must be a whole number from 0 to 10"},
        BadCase{"rate_limit", "{ipv4_prefix: 33}",
                "1:27: rate_limit.ipv4_prefix is \"33\"; it must be a whole number from 8 to 32"},
        BadCase{"rate_limit", "{ipv6_prefix: /64}",
                "1:27: rate_limit.ipv6_prefix is \"/64\"; it must be a whole number from 16 to 64"},
        BadCase{"rate_limit", "{exempt: []}",
                "1:22: rate_limit.exempt is an empty list; it must be a network, a list of "
                "networks, or none"},
        BadCase{"rate_limit", "{exempt: [10.0.0.0/8, 10.0.0.0/8]}",
                "1:35: rate_limit.exempt: 10.0.0.0/8 is there twice; keep one"},
        bad_exempt("localhost", ""),
        bad_exempt("192.0.2.0/", ", with a length that is not 0 to 32"),
        bad_exempt("192.0.2.0/33", ", with a length that is not 0 to 32"),
        bad_exempt("2001:db8::/129", ", with a length that is not 0 to 128"),
        bad_exempt("192.0.2.1/24", ", with bits set beyond its length"),
        bad_exempt("2001:db8::8000/112", ", with bits set beyond its length"),
        bad_exempt("::ffff:10.0.0.0/104", ", an IPv4-mapped address")));

}  // namespace
}  // namespace summond::config
