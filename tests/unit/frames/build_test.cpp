// Frames octet by octet. The expected ones were read back by tcpdump, which finds their checksums
// right.
#include "summond/frames/build.hpp"

#include <gtest/gtest.h>

#include "packets.hpp"

namespace summond::frames {
namespace {

using test::ip;

constexpr Mac guest{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01};
constexpr Mac client{0x52, 0x54, 0x00, 0x00, 0x00, 0x02};

std::string hex(const Frame& frame) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t octet : frame) {
        text += digits[octet >> 4];
        text += digits[octet & 15];
    }
    return text;
}

TEST(Frames, AnnouncementIpv4) {
    EXPECT_EQ(hex(announcement(guest, ip("10.0.2.100"))),
              "ffffffffffff"
              "00163e800001"
              "0806"
              "0001080006040001"
              "00163e800001"
              "0a000264"
              "000000000000"
              "0a000264");
}

TEST(Frames, AnnouncementIpv6) {
    EXPECT_EQ(hex(announcement(guest, ip("fec0::100"))),
              "333300000001"
              "00163e800001"
              "86dd"
              "6000000000203aff"
              "fec00000000000000000000000000100"
              "ff020000000000000000000000000001"
              "8800"
              "1887"
              "20000000"
              "fec00000000000000000000000000100"
              "0201"
              "00163e800001");
}

TEST(Frames, AnswerIpv4) {
    EXPECT_EQ(hex(answer(guest, ip("10.0.2.100"), client, ip("10.0.2.77"))),
              "525400000002"
              "00163e800001"
              "0806"
              "0001080006040002"
              "00163e800001"
              "0a000264"
              "525400000002"
              "0a00024d");
}

TEST(Frames, AnswerIpv6) {
    EXPECT_EQ(hex(answer(guest, ip("fec0::100"), client, ip("fec0::77"))),
              "525400000002"
              "00163e800001"
              "86dd"
              "6000000000203aff"
              "fec00000000000000000000000000100"
              "fec00000000000000000000000000077"
              "8800"
              "d852"
              "60000000"
              "fec00000000000000000000000000100"
              "0201"
              "00163e800001");
}

TEST(Frames, WhoTestsAnAddressIsAnsweredBeforeAll) {
    EXPECT_EQ(answer(guest, ip("fec0::100"), client, ip("::")),
              announcement(guest, ip("fec0::100")));
}

TEST(Frames, QuestionIpv4) {
    EXPECT_EQ(hex(question(client, ip("10.0.2.15"), guest, ip("10.0.2.100"))),
              "00163e800001"
              "525400000002"
              "0806"
              "0001080006040001"
              "525400000002"
              "0a00020f"
              "000000000000"
              "0a000264");
}

TEST(Frames, QuestionIpv6) {
    EXPECT_EQ(hex(question(client, ip("fe80::1"), guest, ip("fec0::100"))),
              "00163e800001"
              "525400000002"
              "86dd"
              "6000000000203aff"
              "fe800000000000000000000000000001"
              "fec00000000000000000000000000100"
              "8700"
              "274a"
              "00000000"
              "fec00000000000000000000000000100"
              "0101"
              "525400000002");
}

// RFC 9293 §3.10.7.3: what a client resets without giving up its connection.
TEST(Frames, TheQuestionForAProof) {
    IpPacket syn;
    syn.kind = IpPacket::Kind::tcp;
    syn.from = ip("10.0.2.60");
    syn.to = ip("10.0.2.50");
    syn.from_port = 40000;
    syn.to_port = 80;
    syn.sequence = 7;
    const auto packet = parse(proof_question({2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, syn, 4711));
    ASSERT_TRUE(packet);
    const auto& asks = std::get<IpPacket>(packet->what);
    EXPECT_TRUE(asks.accepts);
    EXPECT_EQ(asks.acknowledges, 4711U);
    EXPECT_EQ(asks.from, syn.to);
    EXPECT_EQ(asks.to, syn.from);
    EXPECT_EQ(asks.from_port, 80);
    EXPECT_EQ(asks.to_port, 40000);
}

TEST(Frames, Groups) {
    const auto group = solicited_node_group(ip("2001:db8::12:3456"));
    EXPECT_EQ(group, ip("ff02::1:ff12:3456"));
    EXPECT_EQ(multicast_mac(group), (Mac{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}));
    EXPECT_EQ(link_local({0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}), ip("fe80::fcff:ffff:feff:ffff"));
}

TEST(Frames, ListenerReport) {
    const std::vector<base::IpAddress> groups{ip("ff02::1:ff00:100"), ip("ff02::1:ff00:101")};
    EXPECT_EQ(hex(listener_report(guest, groups)),
              "333300000016"
              "00163e800001"
              "86dd"
              "6000000000380001"
              "fe800000000000000216"
              "3efffe800001"
              "ff020000000000000000000000000016"
              "3a00050200000100"
              "8f00"
              "3157"
              "00000002"
              "02000000"
              "ff0200000000000000000001ff000100"
              "02000000"
              "ff0200000000000000000001ff000101");
}

}  // namespace
}  // namespace summond::frames
