// Against the real kernel, in a network namespace of the test's own.
#include "summond/host/neighbours.hpp"

#include <net/if.h>

#include "own_network.hpp"

namespace summond::host {
namespace {

base::IpAddress address(const char* text) {
    return *base::IpAddress::parse(text);
}

class NeighboursTest : public test::OwnNetwork {
  protected:
    void SetUp() override {
        OwnNetwork::SetUp();
        if (IsSkipped())
            return;
        ip("link add br0 type bridge");
        ip("link set br0 up");
        ip("addr add 10.9.0.1/24 dev br0");
        ip("addr add fd09::1/64 dev br0 nodad");
        ip("link add other type bridge");
        ip("link set other up");
        ip("addr add 10.8.0.1/24 dev other");
        ip("route add default via 10.9.0.254");
        bridge_ = static_cast<int>(::if_nametoindex("br0"));
        other_ = static_cast<int>(::if_nametoindex("other"));
        auto opened = Neighbours::open();
        ASSERT_TRUE(opened) << opened.error().what;
        neighbours_.emplace(std::move(*opened));
    }
    int bridge_ = 0;
    int other_ = 0;
    std::optional<Neighbours> neighbours_;
};

TEST_F(NeighboursTest, OnLinkIsWhatNoRouterLeadsTo) {
    EXPECT_EQ(neighbours_->on_link(address("10.9.0.100")).interface, bridge_);
    EXPECT_EQ(neighbours_->on_link(address("10.9.0.100")).source, address("10.9.0.1"));
    EXPECT_EQ(neighbours_->on_link(address("fd09::100")).source, address("fd09::1"));
    EXPECT_EQ(neighbours_->on_link(address("fd09::100")).interface, bridge_);
    EXPECT_EQ(neighbours_->on_link(address("10.8.0.100")).interface, other_);
    EXPECT_EQ(neighbours_->on_link(address("192.0.2.1")).interface, 0) << "by the default route";
    EXPECT_EQ(neighbours_->on_link(address("2001:db8::1")).interface, 0) << "no route";
    EXPECT_EQ(neighbours_->on_link(address("10.9.0.1")).interface, 0) << "dom0's own";
    ip("route add 192.0.2.7/32 dev other");  // as vif-route does
    EXPECT_EQ(neighbours_->on_link(address("192.0.2.7")).interface, other_);
}

TEST_F(NeighboursTest, Dom0sOwnStationIsOnTheBridgeThatIsMeant) {
    ip("link set br0 address 02:00:00:00:00:01");
    for (const auto& [guest, own] :
         {std::pair("10.9.0.100", "10.9.0.1"), std::pair("fd09::100", "fd09::1")}) {
        const auto station = neighbours_->own_station(address(guest), "br0");
        ASSERT_TRUE(station) << guest;
        EXPECT_EQ(station->mac, (service::Mac{2, 0, 0, 0, 0, 1}));
        EXPECT_EQ(station->at, (base::Endpoint{address(own), 0}));
        EXPECT_FALSE(neighbours_->own_station(address(guest), "other"));
    }
    EXPECT_FALSE(neighbours_->own_station(address("192.0.2.1"), "br0")) << "by the default route";
}

TEST_F(NeighboursTest, LearnedMacIsInTheCache) {
    constexpr service::Mac mac{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01};
    for (int turn = 0; turn < 2; ++turn) {
        neighbours_->learn(address("10.9.0.100"), mac, bridge_);
        neighbours_->learn(address("fd09::100"), mac, bridge_);
        const auto cache = output("ip neigh show dev br0");
        EXPECT_NE(cache.find("10.9.0.100 lladdr 00:16:3e:80:00:01 REACHABLE"), cache.npos) << cache;
        EXPECT_NE(cache.find("fd09::100 lladdr 00:16:3e:80:00:01 REACHABLE"), cache.npos) << cache;
    }
}

}  // namespace
}  // namespace summond::host
