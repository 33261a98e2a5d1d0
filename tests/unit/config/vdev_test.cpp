// Names of disks as libxl takes them: xen-vbd-interface(7).
#include "vdev.hpp"

#include <gtest/gtest.h>

namespace summond::config {
namespace {

TEST(Vdev, NamesHaveTheirNumbers) {
    // xvd: 202 << 8 | disk << 4 | partition, or from 16 on 1 << 28 | disk << 8 | partition.
    EXPECT_EQ(vdev_number("xvda"), 0xca00U);
    EXPECT_EQ(vdev_number("xvdb3"), 0xca13U);
    EXPECT_EQ(vdev_number("xvdp15"), 0xcaffU);
    EXPECT_EQ(vdev_number("xvda16"), 0x10000010U);
    EXPECT_EQ(vdev_number("xvdq"), 0x10001000U);
    EXPECT_EQ(vdev_number("xvdaa"), 0x10001a00U);
    EXPECT_EQ(vdev_number("d0p1"), vdev_number("xvda1"));
    EXPECT_EQ(vdev_number("d0x10p2"), 0x10001002U);
    EXPECT_EQ(vdev_number("hda"), 0x300U);
    EXPECT_EQ(vdev_number("hdb1"), 0x341U);
    EXPECT_EQ(vdev_number("hdd"), 0x1640U);
    EXPECT_EQ(vdev_number("sda"), 0x800U);
    EXPECT_EQ(vdev_number("sdp15"), 0x8ffU);
}

TEST(Vdev, NumbersStandForThemselves) {
    EXPECT_EQ(vdev_number("0x1"), 1U);
    EXPECT_EQ(vdev_number("51712"), 51712U);
    EXPECT_EQ(vdev_number("010"), 8U);
    EXPECT_EQ(vdev_number("2147483647"), 2147483647U);
}

TEST(Vdev, OthersAreNone) {
    for (const char* name : {"",           "xvd",
                             "xvd1",       "xvda0",
                             "xvda01",     "xvda256",
                             "hde",        "hda64",
                             "sdq",        "sda16",
                             "vda",        "XVDA",
                             "xvdA",       "d0",
                             "d0p",        "d0p256",
                             "d1048576p0", "0x",
                             "1a",         "-1",
                             "2147483648", "99999999999999999999",
                             "xvdaaaaaa"})
        EXPECT_FALSE(vdev_number(name)) << name;
}

}  // namespace
}  // namespace summond::config
