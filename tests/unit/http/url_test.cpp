// The parts of URLs.
#include "summond/http/url.hpp"

#include <gtest/gtest.h>

namespace summond::http {
namespace {

TEST(Url, Parts) {
    const Url url = split("https://hooks.example.org/summond?x=y");
    EXPECT_TRUE(url.tls);
    EXPECT_EQ(url.authority, "hooks.example.org");
    EXPECT_EQ(url.host, "hooks.example.org");
    EXPECT_EQ(url.port, "443");
    EXPECT_EQ(url.target, "/summond?x=y");
}

TEST(Url, WithAPort) {
    const Url url = split("http://127.0.0.1:2379");
    EXPECT_FALSE(url.tls);
    EXPECT_EQ(url.authority, "127.0.0.1:2379");
    EXPECT_EQ(url.host, "127.0.0.1");
    EXPECT_EQ(url.port, "2379");
    EXPECT_EQ(url.target, "/");
}

TEST(Url, OfAnIpv6Address) {
    EXPECT_EQ(split("http://[2001:db8::1]/").host, "2001:db8::1");
    EXPECT_EQ(split("http://[2001:db8::1]/").port, "80");
    EXPECT_EQ(split("http://[2001:db8::1]:8080?a").host, "2001:db8::1");
    EXPECT_EQ(split("http://[2001:db8::1]:8080?a").port, "8080");
    EXPECT_EQ(split("http://[2001:db8::1]:8080?a").target, "/?a");
}

}  // namespace
}  // namespace summond::http
