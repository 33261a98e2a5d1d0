// What hosts say of themselves.
#include "summond/fleet/host.hpp"

#include <gtest/gtest.h>

namespace summond::fleet {
namespace {

std::string why(std::string_view value) {
    const auto host = from_value(value);
    return host ? "" : host.error().what;
}

TEST(Host, ThereAndBack) {
    Host host;
    host.networks = {{base::IpAddress::v4({192, 0, 2, 128}), 25},
                     {base::IpAddress::v6({0x20, 1, 0xd, 0xb8}), 32},
                     {base::IpAddress::v4({0, 0, 0, 0}), 0}};
    host.location = "59.91,10.75";
    host.drained = true;
    host.pressure = true;
    host.identity = "0011";
    host.incarnation = "2233";
    const auto read = from_value(to_value(host));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, host);
}

TEST(Host, WhatIsNotThereIsNotSaid) {
    const auto host = from_value(R"({"a later version": {"says": ["more"]}})");
    ASSERT_TRUE(host);
    EXPECT_EQ(*host, Host{});
}

TEST(Host, IsRefused) {
    EXPECT_EQ(why(""), "not JSON");
    EXPECT_EQ(why(std::string(3000, '[')), "not JSON");
    EXPECT_EQ(why("{"), "not JSON");
    EXPECT_EQ(why("7"), "not an object");
    EXPECT_EQ(why(std::string(5000, ' ') + "{}"), "longer than 4096 octets");
    const std::string networks = "networks is no list of at most 16 networks";
    for (const char* bad : {"7", "\"192.0.2.0/24\"", "[7]", "[\"192.0.2.0\"]", "[\"192.0.2.1/24\"]",
                            "[\"192.0.2.0/33\"]", "[\"192.0.2.0/\"]", "[\"192.0.2.0/-1\"]",
                            "[\"/24\"]", "[\"2001:db8::/129\"]", "[\"192.0.2.0/24 \"]"})
        EXPECT_EQ(why(R"({"networks": )" + std::string(bad) + "}"), networks) << bad;
    std::string many = "\"::/0\"";
    for (int i = 0; i < 16; ++i)
        many += ",\"::/0\"";
    EXPECT_EQ(why(R"({"networks": [)" + many + "]}"), networks);
    const std::string member = "a member of another type, or too long";
    for (const char* bad : {R"("location": 7)", R"("location": "\u001b[1m")", R"("drained": "no")",
                            R"("pressure": 0)", R"("identity": {})",
                            R"("incarnation": "012345678901234567890123456789012")"})
        EXPECT_EQ(why("{" + std::string(bad) + "}"), member) << bad;
}

TEST(HostName, Characters) {
    EXPECT_TRUE(is_host_name("a"));
    EXPECT_TRUE(is_host_name("Host-1.example_2"));
    EXPECT_TRUE(is_host_name(std::string(63, 'x')));
    for (const char* bad : {"", "-a", ".a", "_a", "a b", "a/b", "\xc3\xa9"})
        EXPECT_FALSE(is_host_name(bad)) << bad;
    EXPECT_FALSE(is_host_name(std::string(64, 'x')));
    EXPECT_FALSE(is_host_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace summond::fleet
