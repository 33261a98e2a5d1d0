// The stand-in for sleeping guests, from the first question for an address to the hand-over.
#include <gmock/gmock.h>

#include "sleep_proxy_fixture.hpp"

namespace summond::wire {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

using SleepProxyTest = SleepProxyFixture;

TEST_F(SleepProxyTest, AnswersForASleepingGuestWithItsOwnMac) {
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_THAT(seen.to_all,
                ElementsAre(frames::answer(guest, ip("10.0.2.50"), client, ip("10.0.2.60"))));
    EXPECT_THAT(seen.wakes, IsEmpty()) << "a question is no packet for it";
}

TEST_F(SleepProxyTest, AnswersSolicitations) {
    from_client(test::solicitation(client, "fec0::60", "fec0::50"));
    EXPECT_THAT(seen.to_all,
                ElementsAre(frames::answer(guest, ip("fec0::50"), client, ip("fec0::60"))));
}

TEST_F(SleepProxyTest, AnswersNobodyElsesAddress) {
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.51"));
    proxy.from_bridge(1, test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_THAT(seen.to_all, IsEmpty());
}

TEST_F(SleepProxyTest, LetsTheGuestTestAndAnnounceItsAddresses) {
    start();
    from_client(test::arp_request(guest, "0.0.0.0", "10.0.2.50"));
    from_client(frames::announcement(guest, ip("10.0.2.50")));
    from_client(test::solicitation(guest, "::", "fec0::50"));
    EXPECT_THAT(seen.to_all, IsEmpty());
}

TEST_F(SleepProxyTest, WakesOnceAndHoldsInOrder) {
    from_client(syn());
    from_client(syn(81, 2));
    from_client(datagram(5000, 53));
    ASSERT_EQ(seen.wakes.size(), 1U);
    EXPECT_EQ(seen.wakes[0].from, ip("10.0.2.60"));
    EXPECT_EQ(seen.wakes[0].to_port, 80);
    start();
    guest_speaks();
    EXPECT_THAT(seen.given, IsEmpty());
    clock.advance(40ms);
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(syn(), syn(81, 2), datagram(5000, 53)));
    ASSERT_EQ(seen.hand_overs.size(), 1U);
    EXPECT_EQ(seen.hand_overs[0].packets, 3U);
    EXPECT_EQ(seen.hand_overs[0].first_waited, 40ms);
    from_client(syn(82, 3));
    EXPECT_EQ(seen.given.size(), 4U) << "what was on its way is passed on";
}

TEST_F(SleepProxyTest, KeepsOneOfASynAndItsRetransmissions) {
    from_client(syn());
    clock.advance(1s);
    from_client(syn());
    from_client(syn(80, 2));  // another connection
    start();
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(syn(), syn(80, 2)));
    EXPECT_EQ(seen.hand_overs.at(0).repeats, 1U);
}

TEST_F(SleepProxyTest, AsksAgainForAWakeOnlyAfterAWhile) {
    from_client(syn());
    from_client(syn(80, 2));
    EXPECT_EQ(seen.wakes.size(), 1U);
    clock.advance(300ms);
    from_client(syn(80, 3));
    EXPECT_EQ(seen.wakes.size(), 2U);
}

TEST_F(SleepProxyTest, NothingWaitsForOneThatIsRefused) {
    from_client(syn());
    proxy.set_state(www, GuestState::refused);
    EXPECT_FALSE(proxy.deadline());
    from_client(syn(80, 2));
    EXPECT_EQ(seen.wakes.size(), 1U);
    clock.advance(1s);
    from_client(syn(80, 3));
    EXPECT_EQ(seen.wakes.size(), 2U);
}

TEST_F(SleepProxyTest, OnlyDeclaredPortsAndAllowedSourcesWake) {
    Station picky = station();
    picky.ports = {{service::Protocol::tcp, 80}, {service::Protocol::udp, 0}};
    picky.wake_from = {{ip("10.0.2.0"), 25}};
    proxy.put(picky);
    from_client(syn(81));
    from_client(syn(80, 1, "10.0.2.128"));
    from_client(test::echo(guest, client, "10.0.2.60", "10.0.2.50"));
    from_client(
        test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 4, 80, 1, test::syn | test::ack));
    from_client(test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 4, 80, 1, test::ack));
    from_client(test::tcp(guest, client, "10.0.2.60", "10.0.2.99", 4, 80, 1, test::syn));
    EXPECT_THAT(seen.wakes, IsEmpty());
    EXPECT_FALSE(proxy.deadline()) << "something is held";
    from_client(datagram(5000, 9));
    EXPECT_EQ(seen.wakes.size(), 1U);
}

TEST_F(SleepProxyTest, PassesWhatAStartingGuestNeedsAndHoldsWhatOpens) {
    start();
    const Frame reply = frames::answer(client, ip("10.0.2.2"), guest, ip("10.0.2.50"));
    from_client(reply);
    from_client(datagram(53, 3333));  // to nothing that it has asked
    proxy.from_guest(www, test::udp(client, guest, "10.0.2.50", "10.0.2.60", 3333, 53, 10));
    const Frame resolved = datagram(53, 3333, 20);
    from_client(resolved);
    const Frame established =
        test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 80, 2000, 1, test::syn | test::ack);
    from_client(established);
    EXPECT_THAT(seen.given, ElementsAre(reply, resolved, established));
}

TEST_F(SleepProxyTest, IsSilentOnceTheGuestSpeaksForItself) {
    start();
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_EQ(seen.to_all.size(), 1U);
    guest_speaks();
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_EQ(seen.to_all.size(), 1U);
    from_client(test::solicitation(client, "fec0::60", "fec0::50"));
    EXPECT_EQ(seen.to_all.size(), 2U) << "it has not spoken for this one";
    proxy.set_state(www, GuestState::running);
    from_client(test::solicitation(client, "fec0::60", "fec0::50"));
    EXPECT_EQ(seen.to_all.size(), 2U);
    proxy.set_state(www, GuestState::away);
    seen.to_all.clear();
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_EQ(seen.to_all.size(), 1U);
}

TEST_F(SleepProxyTest, AsksAReadyGuestThatHasNotSpokenBeforeHandingOver) {
    from_client(syn());
    start();
    proxy.set_state(www, GuestState::running);
    const Frame asked = frames::question(client, ip("10.0.2.60"), guest, ip("10.0.2.50"));
    EXPECT_THAT(seen.given, ElementsAre(asked));
    clock.advance(10ms);
    proxy.tick();
    EXPECT_THAT(seen.given, ElementsAre(asked, asked));
    guest_speaks();
    EXPECT_THAT(seen.given, ElementsAre(asked, asked, syn()));
    EXPECT_EQ(seen.hand_overs.size(), 1U);
    proxy.tick();
    EXPECT_FALSE(proxy.deadline());
}

TEST_F(SleepProxyTest, TheGuestHearsWhatItsClientsHadAsked) {
    const Frame asked = test::arp_request(client, "10.0.2.60", "10.0.2.50");
    from_client(asked);
    from_client(test::arp_request(client, "10.0.2.61", "10.0.2.50"));  // who sends nothing
    from_client(datagram(5000, 53));
    from_client(datagram(5000, 54));
    start();
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(asked, datagram(5000, 53), datagram(5000, 54)));
}

TEST_F(SleepProxyTest, HandsOverToAMuteGuestInTheEnd) {
    from_client(syn());
    start();
    proxy.set_state(www, GuestState::running);
    clock.advance(300ms);
    proxy.tick();
    EXPECT_EQ(seen.hand_overs.size(), 1U);
    EXPECT_EQ(seen.given.back(), syn());
}

TEST_F(SleepProxyTest, APausedGuestIsWokenByItsConnections) {
    proxy.set_state(www, GuestState::running);
    proxy.attach(www);
    proxy.set_state(www, GuestState::kept);
    const Frame data = test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 4000, 80, 77, test::ack);
    from_client(data);
    EXPECT_EQ(seen.wakes.size(), 1U);
    proxy.set_state(www, GuestState::running);
    EXPECT_EQ(seen.given.back(), data);
}

TEST_F(SleepProxyTest, ACopyThatWaitsIsGivenWhatIsHeldAtOnceAndKnowsNoConnections) {
    proxy.attach(www);
    proxy.set_state(www, GuestState::waiting);
    from_client(test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 4000, 80, 77, test::ack));
    EXPECT_TRUE(seen.wakes.empty()) << "a connection of another guest";
    const Frame opening = syn(80, 1);
    from_client(opening);
    EXPECT_EQ(seen.wakes.size(), 1U);
    proxy.set_state(www, GuestState::running);
    EXPECT_EQ(seen.given.back(), opening) << "without a question first";
}

TEST_F(SleepProxyTest, HoldsNoMoreThanItsLimits) {
    for (std::uint32_t i = 0; i < 1000; ++i)
        from_client(syn(80, i));
    for (int host = 0; host < 1000; ++host)
        from_client(
            syn(80, 1,
                ("10.9." + std::to_string(host / 250) + "." + std::to_string(host % 250)).c_str()));
    start();
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_EQ(seen.given.size(), Limits::service_packets);
    EXPECT_EQ(seen.hand_overs.at(0).dropped, 2000 - Limits::service_packets);
}

TEST_F(SleepProxyTest, AllServicesTogetherHoldNoMoreThanTheirLimit) {
    for (unsigned i = 0; i < 200; ++i) {
        const auto last = static_cast<std::uint8_t>(i);
        proxy.put({100 + i,
                   0,
                   {0, 0x16, 0x3e, 1, 0, last},
                   {base::IpAddress::v4({10, 1, 0, last})},
                   {},
                   {},
                   {}});
        for (std::uint16_t port = 1; port <= 64; ++port)
            proxy.from_bridge(
                0, test::udp({0, 0x16, 0x3e, 1, 0, last}, client,
                             ("10.2.0." + std::to_string(port)).c_str(),
                             base::IpAddress::v4({10, 1, 0, last}).to_string().c_str(), 9, port,
                             1400));
    }
    for (unsigned i = 0; i < 200; ++i) {
        proxy.attach(100 + i);
        proxy.set_state(100 + i, GuestState::running);
    }
    clock.advance(1s);
    proxy.tick();
    std::size_t octets = 0;
    for (const Frame& frame : seen.given)
        octets += frame.size() > 100 ? frame.size() : 0;
    EXPECT_GT(octets, Limits::total_octets / 2);
    EXPECT_LE(octets, Limits::total_octets);
}

TEST_F(SleepProxyTest, ForgetsWhatNobodyWaitsForAnyMore) {
    from_client(syn());
    clock.advance(10s);
    from_client(syn());  // it still waits
    clock.advance(10s);
    proxy.tick();
    EXPECT_TRUE(proxy.deadline());
    clock.advance(Limits::hold_time);
    proxy.tick();
    EXPECT_FALSE(proxy.deadline());
}

TEST_F(SleepProxyTest, FragmentsFollowTheFirst) {
    const Frame rest = test::later_fragment(guest, client, "10.0.2.60", "10.0.2.50");
    from_client(rest);
    EXPECT_FALSE(proxy.deadline()) << "a fragment alone is held";
    from_client(datagram(5000, 53));
    from_client(rest);
    start();
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(datagram(5000, 53), rest));
}

TEST_F(SleepProxyTest, ReportsItsGroupsToWhoAsks) {
    from_client(test::listener_query(client));
    ASSERT_EQ(seen.to_all.size(), 1U);
    const base::IpAddress group = frames::solicited_node_group(ip("fec0::50"));
    EXPECT_EQ(seen.to_all[0], frames::listener_report(guest, std::span(&group, 1)));
    start();
    from_client(test::listener_query(client));
    EXPECT_EQ(seen.to_all.size(), 1U);
}

TEST_F(SleepProxyTest, ARemovedServiceIsNobody) {
    from_client(syn());
    proxy.remove(www);
    EXPECT_FALSE(proxy.deadline());
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_THAT(seen.to_all, IsEmpty());
}

TEST_F(SleepProxyTest, WhatIsHeldOutlivesWhoeverTellsOfServices) {
    from_client(syn());
    start();
    EXPECT_EQ(seen.wakes.size(), 1U);
    proxy.begin_anew();
    from_client(test::arp_request(client, "10.0.2.60", "10.0.2.50"));
    EXPECT_THAT(seen.to_all, IsEmpty());
    proxy.put(station());
    proxy.set_state(www, GuestState::starting);
    proxy.attach(www);
    proxy.end_anew();
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(syn()));
}

TEST_F(SleepProxyTest, WhatIsHeldWakesAgainIfTheGuestIsGoneWithWhoeverTold) {
    from_client(syn());
    start();
    proxy.begin_anew();
    proxy.put(station());
    proxy.set_state(www, GuestState::away);
    EXPECT_EQ(seen.wakes.size(), 2U);
    proxy.end_anew();
    proxy.begin_anew();
    proxy.end_anew();
    EXPECT_FALSE(proxy.deadline()) << "a service that is told of no more";
}

// Of a guest's segments from its port 80, and its datagrams.
Frame said(unsigned from_port, std::size_t payload, unsigned flags = test::ack) {
    return test::tcp(client, guest, "10.0.2.50", "10.0.2.60", from_port, 40000, 1, flags, payload);
}

TEST_F(SleepProxyTest, TheFirstByteIsWhatTheGuestSaysToAClient) {
    boot();
    from_client(syn());
    guest_speaks();
    // It asks somebody else by itself, and is answered.
    proxy.from_guest(www, said(33000, 0, test::syn));
    proxy.set_state(www, GuestState::running);
    proxy.from_guest(www, said(33000, 20));
    proxy.from_guest(www, said(80, 0, test::syn | test::ack));
    proxy.from_guest(www, said(80, 0, test::ack | test::fin));
    EXPECT_EQ(seen.first_bytes, 0U);
    proxy.from_guest(www, said(80, 100));
    proxy.from_guest(www, said(80, 100));
    EXPECT_EQ(seen.first_bytes, 1U);
    proxy.set_state(www, GuestState::kept);
    proxy.set_state(www, GuestState::running);
    proxy.from_guest(www, said(80, 100));
    EXPECT_EQ(seen.first_bytes, 2U) << "of the next wake";
}

TEST_F(SleepProxyTest, ADatagramIsAFirstByteFromAPortOfTheService) {
    const auto datagram_of_guest = [](unsigned from_port) {
        return test::udp(client, guest, "10.0.2.50", "10.0.2.60", from_port, 40000, 10);
    };
    boot();
    proxy.set_state(www, GuestState::running);
    proxy.from_guest(www, datagram_of_guest(53));
    EXPECT_EQ(seen.first_bytes, 0U) << "nobody can say who has begun";
    Station dns = station();
    dns.ports = {{service::Protocol::udp, 53}};
    proxy.put(dns);
    proxy.set_state(www, GuestState::away);
    start();
    proxy.set_state(www, GuestState::running);
    proxy.from_guest(www, datagram_of_guest(123));
    proxy.from_guest(www, said(80, 100));
    EXPECT_EQ(seen.first_bytes, 0U);
    proxy.from_guest(www, datagram_of_guest(53));
    EXPECT_EQ(seen.first_bytes, 1U);
}

TEST_F(SleepProxyTest, ARestoredGuestIsGivenWhatGoesOn) {
    proxy.set_state(www, GuestState::kept);
    const Frame data = test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 4000, 80, 77, test::ack);
    from_client(data);
    EXPECT_EQ(seen.wakes.size(), 1U);
    start();
    const Frame more = test::tcp(guest, client, "10.0.2.60", "10.0.2.50", 4000, 80, 78, test::ack);
    from_client(data);  // again
    from_client(more);
    EXPECT_THAT(seen.given, IsEmpty());
    guest_speaks();
    proxy.set_state(www, GuestState::running);
    EXPECT_THAT(seen.given, ElementsAre(data, more));
    EXPECT_FALSE(seen.hand_overs.at(0).young);
}

TEST_F(SleepProxyTest, RunningIsAnsweredEveryTime) {
    proxy.set_state(www, GuestState::running);
    proxy.set_state(www, GuestState::running);
    EXPECT_EQ(seen.hand_overs.size(), 2U);
}

}  // namespace
}  // namespace summond::wire
