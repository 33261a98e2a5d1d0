// Packets for services that only who has shown its address wakes.
#include <functional>

#include "proofs.hpp"
#include "sleep_proxy_fixture.hpp"
#include "summond/service/instance.hpp"

namespace summond::wire {
namespace {

using std::chrono::seconds;

class ProofTest : public SleepProxyFixture {
  protected:
    ProofTest() {
        Station by_proof = station();
        by_proof.by_proof = true;
        proxy.put(by_proof);
        proxy.set_state(www, GuestState::away);
    }
    // What the last frame to the bridge asks a client.
    IpPacket question() const {
        const auto packet = frames::parse(seen.to_all.back());
        EXPECT_EQ(packet->to, client);
        return std::get<IpPacket>(packet->what);
    }
    // As a client's stack answers it (RFC 9293 §3.10.7.3): <SEQ=SEG.ACK><CTL=RST>.
    Frame reset(const IpPacket& question, const Mac& to = guest) const {
        return test::tcp(to, client, question.to.to_string().c_str(),
                         question.from.to_string().c_str(), question.to_port, question.from_port,
                         question.acknowledges, test::rst);
    }
    void prove() {
        from_client(syn());
        from_client(reset(question()));
    }
};

TEST_F(ProofTest, ASynIsAskedForItAndWakesNothing) {
    from_client(syn(80, 1000));
    EXPECT_TRUE(seen.wakes.empty());
    EXPECT_EQ(proxy.held(), 0U);
    ASSERT_EQ(seen.to_all.size(), 1U);
    const IpPacket asked = question();
    EXPECT_TRUE(asked.accepts);
    EXPECT_EQ(asked.from, ip("10.0.2.50"));
    EXPECT_EQ(asked.to, ip("10.0.2.60"));
    EXPECT_EQ(asked.from_port, 80);
    EXPECT_EQ(asked.to_port, 40000);
    EXPECT_NE(asked.acknowledges, 1001U) << "the client must not take it for an answer";
    EXPECT_EQ(proxy.unproved().syns, 1U);
}

TEST_F(ProofTest, TheRightResetWakesAndTheSynThatFollowsIsHeld) {
    prove();
    ASSERT_EQ(seen.wakes.size(), 1U);
    EXPECT_EQ(seen.wakes[0].from, ip("10.0.2.60"));
    EXPECT_TRUE(seen.proved);
    EXPECT_EQ(proxy.unproved().proved, 1U);
    from_client(syn());  // the client's, sent again, before vmm has said anything
    EXPECT_EQ(seen.to_all.size(), 1U) << "it is not asked twice";
    EXPECT_EQ(proxy.held(), 1U);
    boot();
    proxy.set_state(www, GuestState::running);
    guest_speaks();
    ASSERT_EQ(seen.hand_overs.size(), 1U);
    EXPECT_EQ(seen.hand_overs[0].packets, 1U);
}

TEST_F(ProofTest, OtherResetsProveNothing) {
    from_client(syn());
    const IpPacket asked = question();
    const auto change = [&](const std::function<void(IpPacket&)>& how) {
        IpPacket other = asked;
        how(other);
        from_client(reset(other));
    };
    change([](IpPacket& q) { ++q.acknowledges; });
    change([](IpPacket& q) { q.acknowledges = 0; });
    change([](IpPacket& q) { ++q.to_port; });
    change([](IpPacket& q) { ++q.from_port; });
    change([](IpPacket& q) { q.to = ip("10.0.2.61"); });
    change([](IpPacket& q) { q.from = ip("10.0.2.51"); });
    EXPECT_TRUE(seen.wakes.empty());
    clock.advance(2 * Proofs::period);
    change([](IpPacket&) {});
    EXPECT_TRUE(seen.wakes.empty()) << "too late";
    EXPECT_EQ(proxy.unproved().proved, 0U);
}

TEST_F(ProofTest, AQuestionMayBeAnsweredForAPeriodAtLeast) {
    from_client(syn());
    const IpPacket asked = question();
    clock.advance(Proofs::period);
    from_client(reset(asked));
    EXPECT_EQ(seen.wakes.size(), 1U);
}

TEST_F(ProofTest, WhoHasShownItsAddressIsBelievedForAWhile) {
    prove();
    proxy.set_state(www, GuestState::starting);
    proxy.set_state(www, GuestState::away);
    from_client(datagram(5000, 53));
    EXPECT_EQ(seen.wakes.size(), 2U) << "whatever it sends";
    from_client(test::echo(guest, client, "10.0.2.61", "10.0.2.50"));
    EXPECT_EQ(proxy.unproved().datagrams, 1U) << "another has not";
    proxy.set_state(www, GuestState::starting);
    clock.advance(Proofs::believed);
    clock.advance(Limits::hold_time);
    proxy.tick();
    proxy.set_state(www, GuestState::away);
    from_client(datagram(5000, 53));
    EXPECT_EQ(seen.wakes.size(), 2U);
    EXPECT_EQ(proxy.unproved().datagrams, 2U);
}

TEST_F(ProofTest, WhatCannotShowItWakesNothing) {
    from_client(datagram(5000, 53));
    from_client(test::echo(guest, client, "10.0.2.60", "10.0.2.50"));
    EXPECT_TRUE(seen.wakes.empty());
    EXPECT_TRUE(seen.to_all.empty());
    EXPECT_EQ(proxy.held(), 0U);
    EXPECT_EQ(proxy.unproved().datagrams, 2U);
}

TEST_F(ProofTest, AFloodOfForgedSynsWakesNothingAndKeepsNothing) {
    for (unsigned i = 0; i < 20'000; ++i) {
        const std::string from =
            "10." + std::to_string(i % 200) + "." + std::to_string(i / 200) + ".7";
        from_client(syn(80, i, from.c_str()));
    }
    EXPECT_TRUE(seen.wakes.empty());
    EXPECT_EQ(proxy.held(), 0U);
    EXPECT_FALSE(proxy.deadline());
    EXPECT_EQ(proxy.unproved().syns, 20'000U);
    // A real client is not kept out.
    prove();
    EXPECT_EQ(seen.wakes.size(), 1U);
}

TEST_F(ProofTest, UnderPressureItIsSoForAll) {
    proxy.put(station());
    from_client(syn(80, 1, "10.0.2.70"));
    EXPECT_EQ(seen.wakes.size(), 1U);
    EXPECT_FALSE(seen.proved);
    proxy.set_state(www, GuestState::starting);
    proxy.under_pressure(true);
    // Of a guest that is on its way all is held.
    from_client(syn(80, 1, "10.0.2.71"));
    EXPECT_EQ(proxy.held(), 2U);
    // It is gone, and nobody who waits for it has shown its address.
    proxy.set_state(www, GuestState::away);
    EXPECT_EQ(seen.wakes.size(), 1U);
    seen.to_all.clear();
    from_client(syn(80, 1, "10.0.2.70"));
    EXPECT_EQ(seen.wakes.size(), 1U);
    EXPECT_EQ(seen.to_all.size(), 1U);
    prove();
    EXPECT_EQ(seen.wakes.size(), 2U);
    proxy.set_state(www, GuestState::starting);
    proxy.under_pressure(false);
    proxy.set_state(www, GuestState::away);
    EXPECT_EQ(seen.wakes.size(), 3U) << "for those who wait";
}

TEST_F(ProofTest, SegmentsOfConnectionsWakeAPausedGuestOnceASecond) {
    const auto segment = [](const char* from) {
        return test::tcp(guest, client, from, "10.0.2.50", 40000, 80, 5, test::ack);
    };
    proxy.set_state(www, GuestState::running);
    proxy.set_state(www, GuestState::kept);
    from_client(segment("10.0.2.60"));
    EXPECT_EQ(seen.wakes.size(), 1U);
    proxy.set_state(www, GuestState::starting);
    proxy.set_state(www, GuestState::running);
    proxy.set_state(www, GuestState::kept);
    for (int i = 0; i < 100; ++i)
        from_client(segment("10.0.2.62"));
    EXPECT_EQ(seen.wakes.size(), 1U);
    EXPECT_EQ(proxy.unproved().segments, 100U);
    clock.advance(Limits::unproved_segments);
    from_client(segment("10.0.2.60"));
    EXPECT_EQ(seen.wakes.size(), 2U);
}

TEST_F(ProofTest, InstancesOfNetworks) {
    Network network;
    network.service = 77;
    network.name = "pages";
    network.grammar = {"-abcdefghijklmnopqrstuvwxyz0123456789", 1, 6};
    network.addresses = std::make_shared<service::IdAddresses>(
        base::IpPrefix{ip("2001:db8:1::"), 64}, network.grammar, service::Key{1});
    network.ports = {{service::Protocol::tcp, 80}};
    network.by_proof = true;
    proxy.put(network);
    const std::string address = network.addresses->of("x7f3").to_string();
    const service::Id instance = service::id_of("pages@x7f3");
    const Mac mac = service::derived_wide_mac(instance);
    const Frame first =
        test::tcp(mac, client, "2001:db8::9", address.c_str(), 40000, 80, 1, test::syn);
    from_client(first);
    EXPECT_TRUE(seen.wakes_in.empty());
    ASSERT_EQ(seen.to_all.size(), 1U);
    const Frame answer = reset(question(), mac);
    from_client(answer);
    ASSERT_EQ(seen.wakes_in.size(), 1U);
    EXPECT_TRUE(seen.proved);
    from_client(answer);
    EXPECT_EQ(seen.wakes_in.size(), 1U) << "once";
    EXPECT_FALSE(proxy.deadline()) << "nothing is kept of it";
    from_client(first);  // sent again
    EXPECT_EQ(seen.wakes_in.size(), 2U);
    EXPECT_EQ(proxy.held(), 1U);
}

class ProofsTest : public testing::Test {
  protected:
    static IpPacket tcp(const char* from, std::uint32_t sequence) {
        IpPacket packet;
        packet.kind = IpPacket::Kind::tcp;
        packet.from = ip(from);
        packet.to = ip("10.0.2.50");
        packet.from_port = 40000;
        packet.to_port = 80;
        packet.sequence = sequence;
        packet.length = 1;
        return packet;
    }
    summond::test::FakeClock clock;
};

TEST_F(ProofsTest, WhatTheClientWouldTakeIsNotAsked) {
    const Proofs proofs(clock, {1, 2, 3});
    const std::uint32_t number = *proofs.question(tcp("10.0.2.60", 1));
    EXPECT_FALSE(proofs.question(tcp("10.0.2.60", number - 1))) << "its SYN acknowledged";
    EXPECT_EQ(proofs.question(tcp("10.0.2.60", number)), number);
    EXPECT_EQ(proofs.question(tcp("10.0.2.60", number - 2)), number);
    // With data beside the SYN (RFC 7413), some of it acknowledged.
    IpPacket with_data = tcp("10.0.2.60", number - 100);
    with_data.length = 101;
    EXPECT_FALSE(proofs.question(with_data));
    with_data.length = 99;
    EXPECT_EQ(proofs.question(with_data), number);
}

TEST_F(ProofsTest, AnotherSecretAsksForOtherNumbers) {
    EXPECT_NE(Proofs(clock, {1}).question(tcp("10.0.2.60", 1)),
              Proofs(clock, {2}).question(tcp("10.0.2.60", 1)));
}

TEST_F(ProofsTest, IsOfOneSize) {
    Proofs proofs(clock, {7});
    unsigned believed = 0;
    for (unsigned i = 0; i < 5000; ++i) {
        const std::string from = "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250);
        IpPacket reset = tcp(from.c_str(), *proofs.question(tcp(from.c_str(), 1)));
        ASSERT_TRUE(proofs.take(reset));
        ASSERT_TRUE(proofs.has(reset.from));
    }
    for (unsigned i = 0; i < 5000; ++i)
        believed += proofs.has(base::IpAddress::v4({10, 1, static_cast<std::uint8_t>(i / 250),
                                                    static_cast<std::uint8_t>(i % 250)}))
                        ? 1
                        : 0;
    EXPECT_GT(believed, 900U);
    EXPECT_LE(believed, 1024U);
}

}  // namespace
}  // namespace summond::wire
