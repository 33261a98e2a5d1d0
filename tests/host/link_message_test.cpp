#include "summond/host/link_message.hpp"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

namespace summond::host {
namespace {

// A message about interface 7.
struct Message {
    explicit Message(std::uint16_t type, unsigned char family = AF_UNSPEC) {
        header = mnl_nlmsg_put_header(buffer.data());
        header->nlmsg_type = type;
        auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(header, sizeof(ifinfomsg)));
        info->ifi_family = family;
        info->ifi_index = 7;
    }
    Message& name(const char* text) {
        mnl_attr_put_strz(header, IFLA_IFNAME, text);
        return *this;
    }
    Message& mtu(std::uint32_t value) {
        mnl_attr_put_u32(header, IFLA_MTU, value);
        return *this;
    }
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* header;
};

TEST(LinkMessage, TellsOfAnInterface) {
    const auto link = link_of(*Message(RTM_NEWLINK).name("vif5.0").mtu(9000).header);
    ASSERT_TRUE(link);
    EXPECT_EQ(link->index, 7);
    EXPECT_EQ(link->name, "vif5.0");
    EXPECT_EQ(link->mtu, 9000U);
    EXPECT_FALSE(link->gone);
}

TEST(LinkMessage, TellsOfAnInterfaceThatIsGone) {
    const auto link = link_of(*Message(RTM_DELLINK).name("vif5.0").header);
    ASSERT_TRUE(link);
    EXPECT_TRUE(link->gone);
}

TEST(LinkMessage, LeavingABridgeIsNotBeingGone) {
    EXPECT_FALSE(link_of(*Message(RTM_DELLINK, AF_BRIDGE).name("vif5.0").header));
    EXPECT_FALSE(link_of(*Message(RTM_NEWLINK, AF_BRIDGE).name("vif5.0").header));
}

TEST(LinkMessage, OtherMessagesAreNone) {
    EXPECT_FALSE(link_of(*Message(RTM_NEWADDR).name("vif5.0").header));
    EXPECT_FALSE(link_of(*Message(RTM_NEWLINK).mtu(1500).header));
}

TEST(LinkMessage, TooShortIsNone) {
    alignas(nlmsghdr) std::array<char, 64> buffer{};
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = RTM_NEWLINK;
    EXPECT_FALSE(link_of(*header));
}

}  // namespace
}  // namespace summond::host
