// Addresses of instances that nobody has told of: computed, without a table.
#include "sleep_proxy_fixture.hpp"
#include "summond/service/instance.hpp"

namespace summond::wire {
namespace {

using std::chrono::seconds;

class NetworksTest : public SleepProxyFixture {
  protected:
    static constexpr service::Id pages = 77;

    NetworksTest() {
        network.service = pages;
        network.name = "pages";
        network.grammar = {"-abcdefghijklmnopqrstuvwxyz0123456789", 1, 6};
        network.addresses = std::make_shared<service::IdAddresses>(
            base::IpPrefix{ip("2001:db8:1::"), 64}, network.grammar, service::Key{1});
        network.ports = {{service::Protocol::tcp, 80}};
        network.youth = seconds(30);
        proxy.put(network);
    }
    std::string address(const std::string& id) { return network.addresses->of(id).to_string(); }
    static service::Id instance(const std::string& id) { return service::id_of("pages@" + id); }
    static Mac mac(const std::string& id) { return service::derived_wide_mac(instance(id)); }
    Frame syn_to(const std::string& id, std::uint16_t port = 80, unsigned flags = test::syn) {
        return test::tcp(mac(id), client, "2001:db8::9", address(id).c_str(), 40000, port, 1,
                         flags);
    }
    // As vmm tells of it.
    Station told(const std::string& id) {
        return {instance(id),  0,  mac(id),    {ip(address(id).c_str())},
                network.ports, {}, seconds(30)};
    }

    Network network;
};

TEST_F(NetworksTest, EachAddressIsAnsweredForWithItsInstancesMac) {
    from_client(test::solicitation(client, "2001:db8::9", address("x7f3").c_str()));
    ASSERT_EQ(seen.to_all.size(), 1U);
    EXPECT_EQ(seen.to_all[0],
              frames::answer(mac("x7f3"), ip(address("x7f3").c_str()), client, ip("2001:db8::9")));
    from_client(test::solicitation(client, "2001:db8::9", "2001:db8:1::1"));
    from_client(test::solicitation(client, "2001:db8::9", "2001:db8:2::99:1"));
    from_client(test::solicitation(client, "2001:db8::9", address("-").c_str()));
    proxy.from_bridge(1, test::solicitation(client, "2001:db8::9", address("x7f3").c_str()));
    EXPECT_EQ(seen.to_all.size(), 1U) << "the network's, another network, no id, another bridge";
}

TEST_F(NetworksTest, APacketWakesAndIsHeldUntilItsGuestIsThere) {
    from_client(syn_to("x7f3"));
    ASSERT_EQ(seen.wakes_in.size(), 1U);
    EXPECT_EQ(seen.wakes_in[0].to, ip(address("x7f3").c_str()));
    from_client(syn_to("x7f3"));  // sent again
    EXPECT_EQ(seen.wakes_in.size(), 1U);
    proxy.put(told("x7f3"));
    proxy.set_state(instance("x7f3"), GuestState::starting);
    proxy.attach(instance("x7f3"));
    proxy.set_state(instance("x7f3"), GuestState::running);
    proxy.from_guest(instance("x7f3"), frames::answer(mac("x7f3"), ip(address("x7f3").c_str()),
                                                      client, ip("2001:db8::9")));
    ASSERT_EQ(seen.hand_overs.size(), 1U);
    EXPECT_EQ(seen.hand_overs[0].packets, 1U);
    EXPECT_EQ(seen.hand_overs[0].repeats, 1U);
    // It is vmm's from now on, and when it is gone, the network's again.
    proxy.remove(instance("x7f3"));
    from_client(syn_to("x7f3"));
    EXPECT_EQ(seen.wakes_in.size(), 2U);
    EXPECT_TRUE(seen.wakes.empty());
}

TEST_F(NetworksTest, WhatOpensNothingWakesNothing) {
    from_client(syn_to("x7f3", 22));
    from_client(syn_to("x7f3", 80, test::rst));
    from_client(
        test::tcp(guest, client, "2001:db8::9", address("other").c_str(), 1, 80, 1, test::syn));
    EXPECT_TRUE(seen.wakes_in.empty());
    EXPECT_TRUE(seen.to_all.empty());
    from_client(syn_to("x7f3", 80, test::ack));
    EXPECT_TRUE(seen.wakes_in.empty());
    EXPECT_EQ(seen.to_all.size(), 1U) << "a connection that nobody has is refused";
}

TEST_F(NetworksTest, AFloodOfAddressesIsBounded) {
    for (unsigned n = 0; n < 1000; ++n)
        from_client(syn_to("x" + std::to_string(n)));
    EXPECT_EQ(seen.wakes_in.size(), Limits::foundlings);
    // Of none of them vmm has told anything: they are forgotten with what was held.
    clock.advance(Limits::hold_time + seconds(1));
    proxy.tick();
    EXPECT_FALSE(proxy.deadline());
    from_client(syn_to("final"));
    EXPECT_EQ(seen.wakes_in.size(), Limits::foundlings + 1);
    proxy.remove(instance("final"));
    from_client(syn_to("final"));
    EXPECT_EQ(seen.wakes_in.size(), Limits::foundlings + 2) << "vmm may say that there is none";
}

TEST_F(NetworksTest, ANewVmmTellsOfThemAnew) {
    from_client(syn_to("x7f3"));
    proxy.begin_anew();
    from_client(test::solicitation(client, "2001:db8::9", address("other").c_str()));
    EXPECT_TRUE(seen.to_all.empty());
    proxy.put(station());
    proxy.put(network);
    proxy.end_anew();
    from_client(syn_to("x7f3"));
    EXPECT_EQ(seen.wakes_in.size(), 2U);
}

}  // namespace
}  // namespace summond::wire
