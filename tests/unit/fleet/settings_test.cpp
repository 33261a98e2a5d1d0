// `fleet:` on its way to the role.
#include "summond/fleet/settings.hpp"

#include <gtest/gtest.h>

namespace summond::fleet {
namespace {

TEST(Settings, ThereAndBack) {
    Settings settings;
    config::Fleet& config = settings.config;
    config.name = "a";
    config.etcd = {"https://one:2379", "http://[::1]:2379"};
    config.user = "u";
    config.password = "p\"\\\n";
    config.ca = "ca";
    config.certificate = "certificate";
    config.key = "key";
    config.networks = {{base::IpAddress::v4({192, 0, 2, 0}), 24}};
    config.location = "1,2";
    config.lease = std::chrono::milliseconds(2500);
    config.key_prefix = "/x/";
    settings.identity = "0011";
    const auto read = unpack(pack(settings));
    ASSERT_TRUE(read) << read.error().what;
    ASSERT_TRUE(*read);
    EXPECT_EQ((*read)->identity, "0011");
    const config::Fleet& now = (*read)->config;
    EXPECT_EQ(now.name, "a");
    EXPECT_EQ(now.etcd, config.etcd);
    EXPECT_EQ(now.user + now.password, "up\"\\\n");
    EXPECT_EQ(now.ca + now.certificate + now.key, "cacertificatekey");
    EXPECT_EQ(now.networks, config.networks);
    EXPECT_EQ(now.location, "1,2");
    EXPECT_EQ(now.lease, config.lease);
    EXPECT_EQ(now.key_prefix, "/x/");
}

TEST(Settings, None) {
    const auto read = unpack(pack(std::nullopt));
    ASSERT_TRUE(read);
    EXPECT_FALSE(*read);
    EXPECT_FALSE(unpack(""));
    EXPECT_FALSE(unpack("[]"));
    EXPECT_FALSE(unpack(R"({"name": "a"})"));
}

TEST(Settings, Identity) {
    const std::string one = identity_of("machine\n", "/etc/summond/summond.yaml");
    EXPECT_EQ(one.size(), 16U);
    EXPECT_EQ(one, identity_of("machine\n", "/etc/summond/summond.yaml"));
    EXPECT_NE(one, identity_of("another\n", "/etc/summond/summond.yaml"));
    EXPECT_NE(one, identity_of("machine\n", "/etc/summond/other.yaml"));
}

}  // namespace
}  // namespace summond::fleet
