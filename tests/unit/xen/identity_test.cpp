#include "identity.hpp"

#include <gtest/gtest.h>

namespace summond::xen {
namespace {

TEST(Identity, OfTheServiceItselfIsWhatItAlwaysWas) {
    const auto uuid = domain_uuid(0xfedcba9876543210);
    const std::array<std::uint8_t, 16> expected{'s',  'u',  'm',  'm',  'o',  'n',  0x80, 0x03,
                                                0xbe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    EXPECT_EQ(uuid, expected);
}

TEST(Identity, IsReadBack) {
    for (const service::Id service :
         {service::Id{1}, service::Id{0xfedcba9876543210}, ~service::Id{0}})
        for (const unsigned number : {0U, 1U, 63U, 64U, 1023U}) {
            const auto uuid = domain_uuid(service, number);
            EXPECT_EQ(identity_of(uuid), (Identity{service, number}));
            EXPECT_EQ(uuid[6] >> 4, 8) << "version";
            EXPECT_EQ(uuid[8] >> 6, 2) << "variant";
        }
}

TEST(Identity, OthersHaveNone) {
    auto uuid = domain_uuid(1, 1);
    uuid[6] = 0x41;  // version 4
    EXPECT_FALSE(identity_of(uuid));
    uuid = domain_uuid(1, 1);
    uuid[0] = 'S';
    EXPECT_FALSE(identity_of(uuid));
}

}  // namespace
}  // namespace summond::xen
