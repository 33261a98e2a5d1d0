#include "summond/notify/pack.hpp"

#include <gtest/gtest.h>

namespace summond::notify {
namespace {

using namespace std::chrono_literals;

TEST(Pack, ThereAndBack) {
    config::Webhook webhook;
    webhook.name = "ops";
    webhook.url = "https://hooks.example.org/?a=\"b\"";
    webhook.events = 5;
    webhook.services = {"www", "wiki"};
    webhook.secret = std::string("\0\xff key", 6);
    webhook.ca = "-----BEGIN CERTIFICATE-----\n";
    webhook.timeout = 1500ms;
    webhook.retry_for = 24h;
    const auto back = unpack(pack({webhook, {}}));
    ASSERT_TRUE(back) << back.error().what;
    ASSERT_EQ(back->size(), 2U);
    const config::Webhook& same = back->front();
    EXPECT_EQ(same.name, webhook.name);
    EXPECT_EQ(same.url, webhook.url);
    EXPECT_EQ(same.events, webhook.events);
    EXPECT_EQ(same.services, webhook.services);
    EXPECT_EQ(same.secret, webhook.secret);
    EXPECT_EQ(same.ca, webhook.ca);
    EXPECT_EQ(same.timeout, webhook.timeout);
    EXPECT_EQ(same.retry_for, webhook.retry_for);
    EXPECT_EQ(unpack("[]")->size(), 0U);
}

TEST(Pack, WhatIsNone) {
    for (const char* bad : {"", "{}", "[1]", "[{}]", "[{\"name\": 1}]"})
        EXPECT_FALSE(unpack(bad)) << bad;
}

}  // namespace
}  // namespace summond::notify
