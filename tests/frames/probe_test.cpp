// Frames of a readiness probe, octet by octet; the expected ones were read back by the kernel
// (tests/host/vif_probe_test.cpp), which drops what has a wrong checksum.
#include "summond/frames/probe.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace summond::frames {
namespace {

base::IpAddress ip(const char* text) {
    return *base::IpAddress::parse(text);
}

const Station dom0{{0x52, 0x54, 0, 0, 0, 2}, {ip("10.0.2.15"), 2000}};
const Station guest{{0, 0x16, 0x3e, 0x80, 0, 1}, {ip("10.0.2.100"), 80}};
const Station dom0_v6{dom0.mac, {ip("fe80::5054:ff:fe00:2"), 2000}};
const Station guest_v6{guest.mac, {ip("fec0::100"), 80}};

template <typename T>
T heard(const Frame& frame) {
    const auto what = hear(frame);
    const T* as = std::get_if<T>(&what);
    if (as == nullptr) {
        ADD_FAILURE() << "not heard as what it is";
        return T{};
    }
    return *as;
}

bool nothing(const Frame& frame) {
    return std::holds_alternative<std::monostate>(hear(frame));
}

TEST(Probe, SynIpv4) {
    const Frame expected{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01, 0x52, 0x54, 0x00, 0x00, 0x00, 0x02,
                         0x08, 0x00, 0x45, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06,
                         0x22, 0x5a, 0x0a, 0x00, 0x02, 0x0f, 0x0a, 0x00, 0x02, 0x64, 0x07, 0xd0,
                         0x00, 0x50, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00, 0x00, 0x00, 0x60, 0x02,
                         0xff, 0xff, 0x0f, 0xd8, 0x00, 0x00, 0x02, 0x04, 0x04, 0xc4};
    EXPECT_EQ(syn(dom0, guest, 0x12345678), expected);
}

TEST(Probe, HearsWhatItSays) {
    for (const auto& [from, to] : {std::pair(dom0, guest), std::pair(dom0_v6, guest_v6)}) {
        const auto first = heard<Segment>(syn(from, to, 7));
        EXPECT_EQ(first.from, from.at);
        EXPECT_EQ(first.to, to.at);
        EXPECT_TRUE(first.syn && !first.ack && !first.rst && !first.fin);
        EXPECT_EQ(first.sequence, 7u);
        EXPECT_TRUE(first.payload.empty()) << "its options are none";
        const Frame asks = data(from, to, 8, 0x12345679, "GET");
        const auto middle = heard<Segment>(asks);
        EXPECT_TRUE(middle.ack && !middle.syn && !middle.rst && !middle.fin);
        EXPECT_EQ(middle.sequence, 8u);
        EXPECT_EQ(middle.acknowledges, 0x12345679u);
        EXPECT_EQ(std::string(middle.payload.begin(), middle.payload.end()), "GET");
        const auto last = heard<Segment>(reset(from, to, 7));
        EXPECT_TRUE(last.rst && !last.syn && !last.ack);
    }
}

TEST(Probe, HearsAnAcceptance) {
    Frame frame = syn(guest, dom0, 99);
    frame[47] |= 0x10;  // ACK
    const Frame number{0x12, 0x34, 0x56, 0x79};
    std::ranges::copy(number, frame.begin() + 42);
    const auto segment = heard<Segment>(frame);
    EXPECT_TRUE(segment.syn && segment.ack && !segment.rst);
    EXPECT_EQ(segment.acknowledges, 0x12345679u);
}

TEST(Probe, HearsQuestions) {
    const auto arp =
        heard<Question>(question(guest.mac, guest.at.address, dom0.mac, ip("10.0.2.2")));
    EXPECT_EQ(arp.asker_mac, guest.mac);
    EXPECT_EQ(arp.asker, guest.at.address);
    EXPECT_EQ(arp.target, ip("10.0.2.2"));
    const auto nd =
        heard<Question>(question(guest.mac, guest_v6.at.address, dom0.mac, dom0_v6.at.address));
    EXPECT_EQ(nd.asker_mac, guest.mac);
    EXPECT_EQ(nd.asker, guest_v6.at.address);
    EXPECT_EQ(nd.target, dom0_v6.at.address);
}

TEST(Probe, AnswersAreNoQuestions) {
    EXPECT_TRUE(nothing(answer(guest.mac, guest.at.address, dom0.mac, dom0.at.address)));
    EXPECT_TRUE(nothing(answer(guest.mac, guest_v6.at.address, dom0.mac, dom0_v6.at.address)));
}

TEST(Probe, HearsNothingInAFrameThatIsCutOff) {
    for (const Frame& frame :
         {question(guest.mac, guest.at.address, dom0.mac, dom0.at.address),
          question(guest.mac, guest_v6.at.address, dom0.mac, dom0_v6.at.address),
          reset(dom0, guest, 1), reset(dom0_v6, guest_v6, 1)}) {
        const bool has_option = frame.size() == 14 + 40 + 32;  // which need not be there
        const std::size_t needed = frame.size() - (has_option ? 8 : 0);
        for (std::size_t size = 0; size < needed; ++size)
            EXPECT_TRUE(
                nothing({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}));
    }
}

TEST(Probe, PayloadEndsWhereTheIpPacketDoes) {
    for (const auto& [from, to] : {std::pair(guest, dom0), std::pair(guest_v6, dom0_v6)}) {
        Frame frame = data(from, to, 8, 9, "ab");
        frame.resize(frame.size() + 4);  // filled up
        EXPECT_EQ(heard<Segment>(frame).payload.size(), 2u);
        frame.resize(frame.size() - 5);  // cut off
        EXPECT_EQ(heard<Segment>(frame).payload.size(), 1u);
    }
    Frame frame = data(guest, dom0, 8, 9, "ab");
    frame[14 + 20 + 12] = 0xf0;  // TCP options that are not there
    EXPECT_TRUE(heard<Segment>(frame).payload.empty());
    frame[14 + 20 + 12] = 0x40;  // a header shorter than it can be
    EXPECT_TRUE(nothing(frame));
    frame = data(guest, dom0, 8, 9, "ab");
    frame[17] = 19;  // an IP packet shorter than its header
    EXPECT_TRUE(nothing(frame));
}

TEST(Probe, AsksAWebServer) {
    EXPECT_EQ(http_get("/health?a", guest.at),
              "GET /health?a HTTP/1.1\r\nHost: 10.0.2.100:80\r\nUser-Agent: summond\r\n"
              "Connection: close\r\n\r\n");
    EXPECT_NE(http_get("/", guest_v6.at).find("Host: [fec0::100]:80\r\n"), std::string::npos);
}

TEST(Probe, AnyAnswerShowsThatAServerIsUpButThatItIsNot) {
    const auto up = [](std::string_view text) {
        return is_up(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    };
    for (const char* answer : {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 404 Not Found", "HTTP/1.1 302 ",
                               "HTTP/1.1 401", "HTTP/1.1 2"})
        EXPECT_TRUE(up(answer)) << answer;
    for (const char* answer :
         {"HTTP/1.1 503 Service Unavailable", "HTTP/1.1 500", "", "HTTP/1.1 ", "HTTP/2.0 200",
          "SSH-2.0-OpenSSH_9.2", "HTTP/1.1200", "HTTP/1.1 abc"})
        EXPECT_FALSE(up(answer)) << answer;
}

TEST(Probe, FragmentsAndOptions) {
    Frame frame = syn(guest, dom0, 99);
    frame[20] = 0x20;  // more fragments
    EXPECT_TRUE(nothing(frame));
    frame[20] = 0x40;
    frame[14] = 0x46;  // four octets of options
    frame.insert(frame.begin() + 34, 4, 1);
    EXPECT_EQ(heard<Segment>(frame).from, guest.at);
    frame[14] = 0x44;  // shorter than it can be
    EXPECT_TRUE(nothing(frame));
}

TEST(Probe, SolicitationsThatARouterCouldHavePassedOn) {
    Frame frame = question(guest.mac, guest_v6.at.address, dom0.mac, dom0_v6.at.address);
    frame[21] = 64;  // hop limit
    EXPECT_TRUE(nothing(frame));
}

}  // namespace
}  // namespace summond::frames
