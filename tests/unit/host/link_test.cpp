#include "summond/host/link.hpp"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <thread>

#include "own_network.hpp"

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

class FindLinkTest : public test::OwnNetwork {
  protected:
    void SetUp() override {
        OwnNetwork::SetUp();
        if (IsSkipped())
            return;
        auto opened = Netlink::open();
        ASSERT_TRUE(opened) << opened.error().what;
        netlink_.emplace(std::move(*opened));
    }
    Link find(const std::string& name) {
        const auto link = find_link(*netlink_, name);
        if (!link || !*link) {
            ADD_FAILURE() << "there is no " << name;
            return {};
        }
        const auto by_index = find_link(*netlink_, (*link)->index);
        EXPECT_TRUE(by_index && *by_index && (*by_index)->name == name);
        return **link;
    }
    std::optional<Netlink> netlink_;
};

TEST_F(FindLinkTest, OfAnInterface) {
    ip("link add port type veth peer name other");
    ip("link set port mtu 1400 address 02:00:00:00:00:07");
    const Link link = find("port");
    EXPECT_EQ(link.mtu, 1400U);
    EXPECT_EQ(link.mac, (service::Mac{2, 0, 0, 0, 0, 7}));
    EXPECT_EQ(link.kind, "veth");
    EXPECT_TRUE(link.passes);
    for (const char* name : {"nobody", "a-name-that-no-interface-can-have"}) {
        const auto none = find_link(*netlink_, name);
        EXPECT_TRUE(none && !*none) << name;
    }
    const auto none = find_link(*netlink_, 12345);
    EXPECT_TRUE(none && !*none);
}

TEST_F(FindLinkTest, OfABridgeWithSpanningTreeAndItsPort) {
    ip("link add plain type bridge");
    ip("link add tree type bridge stp_state 1 forward_delay 1500");
    EXPECT_EQ(find("plain").kind, "bridge");
    EXPECT_EQ(find("plain").forward_delay.count(), 0);
    EXPECT_EQ(find("tree").forward_delay, std::chrono::seconds(15));
    for (const std::string bridge : {"plain", "tree"}) {
        ip("link set " + bridge + " up");
        ip("link add at-" + bridge + " type veth peer name of-" + bridge);
        ip("link set of-" + bridge + " up");
        ip("link set at-" + bridge + " up");
        ip("link set at-" + bridge + " master " + bridge);
    }
    EXPECT_TRUE(find("at-plain").passes);
    // Its ports listen once the kernel has looked at their links.
    for (int tries = 0; tries < 100 && find("at-tree").passes; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(find("at-tree").passes);
}

}  // namespace
}  // namespace summond::host
