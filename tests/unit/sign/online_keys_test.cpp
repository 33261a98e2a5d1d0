#include "summond/sign/online_keys.hpp"

#include <gtest/gtest.h>

using namespace summond;

namespace {

std::vector<sign::OnlineZone> zones() {
    std::vector<sign::OnlineZone> zones;
    sign::OnlineZone& first = zones.emplace_back();
    first.apex = *dns::Name::parse("jit.example");
    first.lifetime = 14;
    first.jitter = 2;
    first.refresh = 7;
    first.keys.push_back({12345, 13, sign::Secret("one")});
    first.keys.push_back({54321, 15, sign::Secret("two")});
    zones.emplace_back().apex = *dns::Name::parse("1.0.0.2.ip6.arpa");
    return zones;
}

TEST(OnlineKeys, ArriveAsTheyWereSent) {
    const auto packed = sign::pack(zones());
    const auto read = sign::unpack_online(packed.text());
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 2U);
    const sign::OnlineZone& first = read->front();
    EXPECT_EQ(first.apex.to_string(), "jit.example.");
    EXPECT_EQ(first.lifetime, 14);
    EXPECT_EQ(first.jitter, 2);
    EXPECT_EQ(first.refresh, 7);
    ASSERT_EQ(first.keys.size(), 2U);
    EXPECT_EQ(first.keys[1].tag, 54321);
    EXPECT_EQ(first.keys[1].algorithm, 15);
    EXPECT_EQ(first.keys[1].secret.text(), "two");
    EXPECT_TRUE(read->back().keys.empty());
    EXPECT_TRUE(sign::unpack_online("")->empty());
}

TEST(OnlineKeys, CutShortTheyAreRefused) {
    const auto packed = sign::pack(zones());
    std::size_t whole = 0;
    for (std::size_t size = 1; size < packed.text().size(); ++size)
        whole += sign::unpack_online(packed.text().substr(0, size)).has_value();
    EXPECT_EQ(whole, 1U) << "the first zone alone";
}

}  // namespace
