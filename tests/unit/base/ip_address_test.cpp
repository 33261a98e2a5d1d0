#include "summond/base/ip_address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace summond::base {
namespace {

TEST(IpAddress, ReadsAndPrintsIpv4) {
    const auto address = IpAddress::parse("192.0.2.1");
    ASSERT_TRUE(address);
    EXPECT_TRUE(address->is_v4());
    EXPECT_FALSE(address->is_v6());
    EXPECT_EQ(*address, IpAddress::v4({192, 0, 2, 1}));
    EXPECT_EQ(address->bytes().size(), 4U);
    EXPECT_EQ(address->bytes()[3], 1);
    EXPECT_EQ(address->to_string(), "192.0.2.1");
}

TEST(IpAddress, ReadsAndPrintsIpv6AsRfc5952) {
    const auto address = IpAddress::parse("2001:DB8:0:0:0:0:0:1");
    ASSERT_TRUE(address);
    EXPECT_TRUE(address->is_v6());
    EXPECT_EQ(address->bytes().size(), 16U);
    EXPECT_EQ(address->to_string(), "2001:db8::1");
    EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->bytes()[12], 192);
}

TEST(IpAddress, RefusesAnythingAroundOrInside) {
    using namespace std::string_view_literals;
    for (const auto text :
         {""sv, " "sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1 "sv, " 192.0.2.1"sv,
          "192.0.2.01x"sv, "192.0.2.1/24"sv, "[::1]"sv, "::1%eth0"sv, "::1/128"sv, ":::"sv,
          "1:2:3:4:5:6:7:8:9"sv, "192.0.2.1\0"sv, "::1\0x"sv, "localhost"sv})
        EXPECT_FALSE(IpAddress::parse(text)) << '"' << text << '"';
}

TEST(IpAddress, ReadsAViewThatIsNotTerminated) {
    const std::string text = "192.0.2.199";
    EXPECT_EQ(IpAddress::parse(std::string_view(text).substr(0, 9))->to_string(), "192.0.2.1");
}

TEST(IpAddress, OfDifferentFamiliesAreDifferent) {
    EXPECT_NE(IpAddress(), IpAddress::v6({}));
    EXPECT_NE(IpAddress::v4({1, 2, 3, 4}), IpAddress::v6({1, 2, 3, 4}));
    EXPECT_LT(IpAddress::v4({255, 255, 255, 255}), IpAddress::v6({}));
    EXPECT_LT(IpAddress::v4({10, 0, 0, 2}), IpAddress::v4({10, 0, 0, 10}));
}

TEST(IpAddress, KnowsUnspecifiedAndMulticast) {
    EXPECT_TRUE(IpAddress().is_unspecified());
    EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
    EXPECT_FALSE(IpAddress::parse("::1")->is_unspecified());
    EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());

    EXPECT_TRUE(IpAddress::parse("224.0.0.1")->is_multicast());
    EXPECT_TRUE(IpAddress::parse("239.255.255.255")->is_multicast());
    EXPECT_FALSE(IpAddress::parse("223.255.255.255")->is_multicast());
    EXPECT_FALSE(IpAddress::parse("240.0.0.1")->is_multicast());
    EXPECT_TRUE(IpAddress::parse("ff02::1")->is_multicast());
    EXPECT_FALSE(IpAddress::parse("fe80::1")->is_multicast());
}

TEST(Endpoint, PrintsIpv6InBrackets) {
    EXPECT_EQ((Endpoint{*IpAddress::parse("192.0.2.1"), 53}.to_string()), "192.0.2.1:53");
    EXPECT_EQ((Endpoint{*IpAddress::parse("2001:db8::1"), 53}.to_string()), "[2001:db8::1]:53");
}

}  // namespace
}  // namespace summond::base
