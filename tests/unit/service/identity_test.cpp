#include "summond/service/identity.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace summond::service {
namespace {

// Domains carry UUIDs and MACs made from these: a change here orphans every running domain.
TEST(Identity, NeverChanges) {
    EXPECT_EQ(id_of(""), 0xefd01f60ba992926U);
    EXPECT_EQ(id_of("www"), 0xdc6aa02b815721ecU);
    EXPECT_EQ(id_of("wiki"), 0x257df4793555274dU);
    EXPECT_EQ(to_string(derived_mac(id_of("www"))), "00:16:3e:d7:21:ec");
    EXPECT_EQ(to_string(derived_mac(id_of("www"), 1)), "00:16:3e:94:49:8f");
    EXPECT_EQ(to_string(derived_mac(id_of("www"), 2)), "00:16:3e:ab:35:19");
    EXPECT_EQ(to_string(derived_mac(0)), "00:16:3e:80:00:00");
    EXPECT_EQ(to_string(derived_mac(~std::uint64_t{0})), "00:16:3e:ff:ff:ff");
}

TEST(Identity, SpreadsSimilarNames) {
    std::set<std::uint64_t> top_bytes;
    std::set<std::uint64_t> low_bytes;
    for (int i = 0; i < 4096; ++i) {
        const Id id = id_of("web" + std::to_string(i));
        top_bytes.insert(id >> 56);
        low_bytes.insert(id & 0xff);
    }
    EXPECT_EQ(top_bytes.size(), 256U);
    EXPECT_EQ(low_bytes.size(), 256U);
}

}  // namespace
}  // namespace summond::service
