// The frames of a readiness probe, built and read, as far as a capture has them; the expected ones
// were read back by the kernel (tests/unit/host/vif_probe_test.cpp), which drops what has a wrong
// checksum.
#include <gtest/gtest.h>

#include <algorithm>

#include "packets.hpp"
#include "summond/frames/build.hpp"
#include "summond/frames/packet.hpp"

namespace summond::frames {
namespace {

using test::ip;

const Station dom0{{0x52, 0x54, 0, 0, 0, 2}, {ip("10.0.2.15"), 2000}};
const Station web{{0, 0x16, 0x3e, 0x80, 0, 1}, {ip("10.0.2.100"), 80}};
const Station dom0_v6{dom0.mac, {ip("fe80::5054:ff:fe00:2"), 2000}};
const Station web_v6{web.mac, {ip("fec0::100"), 80}};

template <typename What>
What heard(const Frame& frame) {
    const auto packet = parse(frame, Captured::beginning);
    const What* as = packet ? std::get_if<What>(&packet->what) : nullptr;
    if (as == nullptr) {
        ADD_FAILURE() << "not heard as what it is";
        return What{};
    }
    return *as;
}

std::string payload(const Frame& frame) {
    const auto packet = parse(frame, Captured::beginning);
    return packet ? std::string(packet->payload.begin(), packet->payload.end()) : "nothing";
}

// Neither a segment nor a question.
bool nothing(const Frame& frame) {
    const auto packet = parse(frame, Captured::beginning);
    if (!packet)
        return true;
    const auto* ip = std::get_if<IpPacket>(&packet->what);
    const auto* arp = std::get_if<Arp>(&packet->what);
    return !(ip != nullptr && ip->kind == IpPacket::Kind::tcp) &&
           !(arp != nullptr && arp->request) && !std::holds_alternative<Solicitation>(packet->what);
}

TEST(Probe, SynIpv4) {
    const Frame expected{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01, 0x52, 0x54, 0x00, 0x00, 0x00, 0x02,
                         0x08, 0x00, 0x45, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06,
                         0x22, 0x5a, 0x0a, 0x00, 0x02, 0x0f, 0x0a, 0x00, 0x02, 0x64, 0x07, 0xd0,
                         0x00, 0x50, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00, 0x00, 0x00, 0x60, 0x02,
                         0xff, 0xff, 0x0f, 0xd8, 0x00, 0x00, 0x02, 0x04, 0x04, 0xc4};
    EXPECT_EQ(syn(dom0, web, 0x12345678), expected);
}

TEST(Probe, HearsWhatItSays) {
    for (const auto& [from, to] : {std::pair(dom0, web), std::pair(dom0_v6, web_v6)}) {
        const auto first = heard<IpPacket>(syn(from, to, 7));
        EXPECT_EQ(first.from, from.at.address);
        EXPECT_EQ(first.from_port, from.at.port);
        EXPECT_EQ(first.to, to.at.address);
        EXPECT_EQ(first.to_port, to.at.port);
        EXPECT_TRUE(first.opens && !first.acks && !first.resets);
        EXPECT_EQ(first.sequence, 7u);
        EXPECT_EQ(payload(syn(from, to, 7)), "") << "its options are none";
        const Frame asks = data(from, to, 8, 0x12345679, "GET");
        const auto middle = heard<IpPacket>(asks);
        EXPECT_TRUE(middle.acks && !middle.opens && !middle.accepts && !middle.resets);
        EXPECT_EQ(middle.length, 3u) << "neither SYN nor FIN";
        EXPECT_EQ(middle.sequence, 8u);
        EXPECT_EQ(middle.acknowledges, 0x12345679u);
        EXPECT_EQ(payload(asks), "GET");
        const auto last = heard<IpPacket>(reset(from, to, 7));
        EXPECT_TRUE(last.resets && !last.opens && !last.accepts && !last.acks);
    }
}

TEST(Probe, HearsAnAcceptance) {
    Frame frame = syn(web, dom0, 99);
    frame[47] |= 0x10;  // ACK
    const Frame number{0x12, 0x34, 0x56, 0x79};
    std::ranges::copy(number, frame.begin() + 42);
    const auto segment = heard<IpPacket>(frame);
    EXPECT_TRUE(segment.accepts && segment.acks && !segment.resets);
    EXPECT_EQ(segment.acknowledges, 0x12345679u);
}

TEST(Probe, HearsQuestions) {
    const auto arp = heard<Arp>(question(web.mac, web.at.address, dom0.mac, ip("10.0.2.2")));
    EXPECT_TRUE(arp.request);
    EXPECT_EQ(arp.sender_mac, web.mac);
    EXPECT_EQ(arp.sender, web.at.address);
    EXPECT_EQ(arp.target, ip("10.0.2.2"));
    const Frame frame = question(web.mac, web_v6.at.address, dom0.mac, dom0_v6.at.address);
    const auto nd = heard<Solicitation>(frame);
    EXPECT_EQ(parse(frame)->from, web.mac);
    EXPECT_EQ(nd.asker, web_v6.at.address);
    EXPECT_EQ(nd.target, dom0_v6.at.address);
}

TEST(Probe, AnswersAreNoQuestions) {
    EXPECT_TRUE(nothing(answer(web.mac, web.at.address, dom0.mac, dom0.at.address)));
    EXPECT_TRUE(nothing(answer(web.mac, web_v6.at.address, dom0.mac, dom0_v6.at.address)));
}

TEST(Probe, HearsNothingInAFrameThatIsCutOff) {
    for (const Frame& frame : {question(web.mac, web.at.address, dom0.mac, dom0.at.address),
                               question(web.mac, web_v6.at.address, dom0.mac, dom0_v6.at.address),
                               reset(dom0, web, 1), reset(dom0_v6, web_v6, 1)}) {
        const bool has_option = frame.size() == 14 + 40 + 32;  // which need not be there
        const std::size_t needed = frame.size() - (has_option ? 8 : 0);
        for (std::size_t size = 0; size < needed; ++size)
            EXPECT_TRUE(
                nothing({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}));
    }
}

TEST(Probe, PayloadEndsWhereTheIpPacketDoes) {
    for (const auto& [from, to] : {std::pair(web, dom0), std::pair(web_v6, dom0_v6)}) {
        Frame frame = data(from, to, 8, 9, "ab");
        frame.resize(frame.size() + 4);  // filled up
        EXPECT_EQ(payload(frame), "ab");
        frame.resize(frame.size() - 5);  // cut off
        EXPECT_EQ(payload(frame), "a");
        EXPECT_TRUE(std::holds_alternative<std::monostate>(parse(frame)->what))
            << "not a whole one";
    }
    Frame frame = data(web, dom0, 8, 9, "ab");
    frame[14 + 20 + 12] = 0xf0;  // TCP options that are not there
    heard<IpPacket>(frame);
    EXPECT_EQ(payload(frame), "");
    frame[14 + 20 + 12] = 0x40;  // a header shorter than it can be
    EXPECT_TRUE(nothing(frame));
    frame = data(web, dom0, 8, 9, "ab");
    frame[17] = 19;  // an IP packet shorter than its header
    EXPECT_TRUE(nothing(frame));
}

TEST(Probe, FragmentsAndOptions) {
    Frame frame = syn(web, dom0, 99);
    EXPECT_FALSE(heard<IpPacket>(frame).fragmented);
    frame[20] = 0x20;  // more fragments
    EXPECT_TRUE(heard<IpPacket>(frame).fragmented);
    frame[20] = 0x40;
    frame[14] = 0x46;  // four octets of options
    frame.insert(frame.begin() + 34, 4, 1);
    EXPECT_EQ(heard<IpPacket>(frame).from, web.at.address);
    EXPECT_EQ(heard<IpPacket>(frame).from_port, web.at.port);
    frame[14] = 0x44;  // shorter than it can be
    EXPECT_TRUE(nothing(frame));
}

TEST(Probe, SolicitationsThatARouterCouldHavePassedOn) {
    Frame frame = question(web.mac, web_v6.at.address, dom0.mac, dom0_v6.at.address);
    frame[21] = 64;  // hop limit
    EXPECT_TRUE(nothing(frame));
}

}  // namespace
}  // namespace summond::frames
