// What is read of a frame, and that nothing is read that is not there.
#include "summond/frames/packet.hpp"

#include <gtest/gtest.h>

#include "packets.hpp"

namespace summond::frames {
namespace {

using test::ip;

constexpr Mac guest_mac{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01};
constexpr Mac client_mac{0x52, 0x54, 0x00, 0x00, 0x00, 0x02};

template <typename What>
std::optional<What> as(const Frame& frame) {
    const auto packet = parse(frame);
    const What* what = packet ? std::get_if<What>(&packet->what) : nullptr;
    return what == nullptr ? std::nullopt : std::optional(*what);
}

TEST(Packet, Arp) {
    const auto request = as<Arp>(test::arp_request(client_mac, "10.0.2.60", "10.0.2.50"));
    ASSERT_TRUE(request);
    EXPECT_TRUE(request->request);
    EXPECT_EQ(request->sender_mac, client_mac);
    EXPECT_EQ(request->sender, ip("10.0.2.60"));
    EXPECT_EQ(request->target, ip("10.0.2.50"));
    const auto reply = as<Arp>(answer(guest_mac, ip("10.0.2.50"), client_mac, ip("10.0.2.60")));
    ASSERT_TRUE(reply);
    EXPECT_FALSE(reply->request);
    EXPECT_EQ(reply->sender, ip("10.0.2.50"));
}

TEST(Packet, NeighbourDiscovery) {
    const auto asked = as<Solicitation>(test::solicitation(client_mac, "fec0::60", "fec0::50"));
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->asker, ip("fec0::60"));
    EXPECT_EQ(asked->target, ip("fec0::50"));
    const auto told =
        as<Advertisement>(answer(guest_mac, ip("fec0::50"), client_mac, ip("fec0::60")));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->target, ip("fec0::50"));
    EXPECT_TRUE(as<ListenerQuery>(test::listener_query(client_mac)));
}

TEST(Packet, NeighbourDiscoveryOfStrangersFromElsewhereIsNone) {
    Frame routed = test::solicitation(client_mac, "fec0::60", "fec0::50");
    routed[21] = 254;  // hop limit
    EXPECT_FALSE(as<Solicitation>(routed));
    Frame broken = test::solicitation(client_mac, "fec0::60", "fec0::50");
    broken[56] ^= 1;  // checksum
    EXPECT_FALSE(as<Solicitation>(broken));
}

TEST(Packet, Tcp) {
    const auto syn = as<IpPacket>(
        test::tcp(guest_mac, client_mac, "fec0::60", "fec0::50", 40000, 80, 0x12345678, test::syn));
    ASSERT_TRUE(syn);
    EXPECT_EQ(syn->kind, IpPacket::Kind::tcp);
    EXPECT_EQ(syn->from, ip("fec0::60"));
    EXPECT_EQ(syn->to, ip("fec0::50"));
    EXPECT_EQ(syn->from_port, 40000);
    EXPECT_EQ(syn->to_port, 80);
    EXPECT_EQ(syn->sequence, 0x12345678U);
    EXPECT_TRUE(syn->opens);
    for (const unsigned flags : {test::ack, test::syn | test::ack, test::syn | test::rst,
                                 test::syn | test::fin, test::rst, 0U}) {
        const auto other = as<IpPacket>(
            test::tcp(guest_mac, client_mac, "10.0.2.60", "10.0.2.50", 1, 2, 3, flags));
        ASSERT_TRUE(other);
        EXPECT_FALSE(other->opens) << flags;
        EXPECT_EQ(other->resets, (flags & test::rst) != 0);
    }
}

TEST(Packet, OtherProtocols) {
    const auto udp =
        as<IpPacket>(test::udp(guest_mac, client_mac, "10.0.2.60", "10.0.2.50", 7, 53, 4));
    EXPECT_EQ(udp->kind, IpPacket::Kind::udp);
    EXPECT_EQ(udp->to_port, 53);
    for (const auto& [from, to] : {std::pair("10.0.2.60", "10.0.2.50"), {"fec0::60", "fec0::50"}})
        EXPECT_EQ(as<IpPacket>(test::echo(guest_mac, client_mac, from, to))->kind,
                  IpPacket::Kind::echo_request);
    EXPECT_EQ(
        as<IpPacket>(test::later_fragment(guest_mac, client_mac, "10.0.2.60", "10.0.2.50"))->kind,
        IpPacket::Kind::later_fragment);
    EXPECT_EQ(
        as<IpPacket>(test::packet(guest_mac, client_mac, "10.0.2.60", "10.0.2.50", 132, Frame(40)))
            ->kind,
        IpPacket::Kind::other);
}

TEST(Packet, ExtensionHeaders) {
    // Hop-by-hop, then a first fragment, then UDP to port 53.
    Frame payload{44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9, 0, 7, 0, 53, 0, 8, 0, 0};
    const auto first =
        as<IpPacket>(test::packet(guest_mac, client_mac, "fec0::60", "fec0::50", 0, payload));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->kind, IpPacket::Kind::udp);
    EXPECT_EQ(first->to_port, 53);
    payload[11] = 9;  // offset 8
    EXPECT_EQ(
        as<IpPacket>(test::packet(guest_mac, client_mac, "fec0::60", "fec0::50", 0, payload))->kind,
        IpPacket::Kind::later_fragment);
}

TEST(Packet, NoFrameIsReadBeyondItsEnd) {
    for (const Frame& whole :
         {test::arp_request(client_mac, "10.0.2.60", "10.0.2.50"),
          test::solicitation(client_mac, "fec0::60", "fec0::50"), test::listener_query(client_mac),
          test::tcp(guest_mac, client_mac, "10.0.2.60", "10.0.2.50", 1, 2, 3, test::syn),
          test::udp(guest_mac, client_mac, "fec0::60", "fec0::50", 1, 2, 3)})
        for (std::size_t size = 0; size < whole.size(); ++size) {
            // On the heap and exactly so long: a sanitizer sees a step too far.
            const Frame cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            const auto packet = parse(cut);
            EXPECT_TRUE(!packet || std::holds_alternative<std::monostate>(packet->what));
        }
}

TEST(Packet, TaggedFramesAndGroupsAsSendersAreNone) {
    Frame frame = test::arp_request(client_mac, "10.0.2.60", "10.0.2.50");
    frame[6] |= 1;
    EXPECT_FALSE(parse(frame));
    frame[6] &= 0xfe;
    frame[12] = 0x81;
    frame[13] = 0x00;
    EXPECT_FALSE(parse(frame));
}

}  // namespace
}  // namespace summond::frames
