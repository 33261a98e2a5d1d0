// Addresses, ARP, Neighbor Discovery, ICMP and UDP of the test unikernel.
#include <gtest/gtest.h>

#include <cstring>

#include "bench.hpp"

extern "C" {
#include "../net/hash.h"
#include "../net/ip.h"
#include "../net/text.h"
}

namespace guest_test {
namespace {

std::string round_trip(const std::string& text) {
    ip_address a{};
    char out[ADDRESS_TEXT];
    return address_parse(text.data(), text.size(), &a) ? address_format(&a, out) : "refused";
}

TEST(Address, IsReadAndWritten) {
    EXPECT_EQ(round_trip("10.0.2.50"), "10.0.2.50");
    EXPECT_EQ(round_trip("255.255.255.255"), "255.255.255.255");
    EXPECT_EQ(round_trip("fd00::50"), "fd00::50");
    EXPECT_EQ(round_trip("::"), "::");
    EXPECT_EQ(round_trip("::1"), "::1");
    EXPECT_EQ(round_trip("fe80::"), "fe80::");
    EXPECT_EQ(round_trip("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
    EXPECT_EQ(round_trip("1:0:3:4:5:6:7:8"), "1:0:3:4:5:6:7:8");
    EXPECT_EQ(round_trip("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
}

TEST(Address, NonsenseIsRefused) {
    for (const char* text : {"",
                             "1",
                             "1.2.3",
                             "1.2.3.4.5",
                             "1.2.3.",
                             ".1.2.3",
                             "1.2.3.256",
                             "1.2.3.4x",
                             "1.2.3.-4",
                             ":",
                             ":::",
                             "1:2",
                             "1::2::3",
                             "1:2:3:4:5:6:7:8:9",
                             "1:2:3:4:5:6:7:8::",
                             "12345::",
                             "g::",
                             "1:2:3:4:5:6:7:",
                             ":1::",
                             "::1.2.3.4"}) {
        EXPECT_EQ(round_trip(text), "refused") << text;
    }
}

TEST(Address, UnicastIsToldFromTheRest) {
    for (const char* text : {"10.0.0.1", "192.0.2.1", "fd00::1", "fe80::1", "2001:db8::1"}) {
        ip_address a = parse(text);
        EXPECT_TRUE(address_is_unicast(&a)) << text;
    }
    for (const char* text :
         {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"}) {
        ip_address a = parse(text);
        EXPECT_FALSE(address_is_unicast(&a)) << text;
    }
}

TEST(Text, FormatsAndCuts) {
    char out[16];
    EXPECT_EQ(text_format(out, sizeof out, "%s-%03u-%x-%d%c", "ab", 7u, 255u, -5, '!'), 13u);
    EXPECT_STREQ(out, "ab-007-ff--5!");
    EXPECT_EQ(text_format(out, sizeof out, "%lu", ~0ul), 15u);
    EXPECT_STREQ(out, "184467440737095");
    EXPECT_EQ(text_format(out, 1, "x"), 0u);
    EXPECT_STREQ(out, "");
}

TEST(Hash, IsSipHash24) {  // the example in appendix A of the SipHash paper
    uint8_t bytes[16];
    for (uint8_t i = 0; i < 16; i++) {
        bytes[i] = i;
    }
    EXPECT_EQ(siphash(bytes, bytes, 15), 0xa129ca6149be45e5u);
}

TEST(Link, AnnouncesItsAddressesTwice) {
    Bench b;
    std::memset(b.net->neighbours, 0, sizeof b.net->neighbours);
    net_link_up(b.net.get(), b.now);
    auto first = b.take_sent();
    ASSERT_EQ(first.size(), 3u);
    EXPECT_EQ(Bytes(first[0].begin(), first[0].begin() + 6), Bytes(6, 0xff));  // gratuitous ARP
    Bytes arp_addresses(first[0].begin() + 28, first[0].begin() + 32);
    EXPECT_EQ(arp_addresses, Bytes({10, 0, 2, 50}));
    EXPECT_EQ(Bytes(first[0].begin() + 38, first[0].end()), arp_addresses);
    EXPECT_EQ(Bytes(first[1].begin(), first[1].begin() + 6), Bytes({0x33, 0x33, 0, 0, 0, 1}));
    EXPECT_EQ(first[1][14 + 40], 136);
    b.advance(2 * kSecond);
    EXPECT_EQ(b.take_sent(), first);
    b.advance(3600 * kSecond);
    EXPECT_TRUE(b.take_sent().empty());
    EXPECT_EQ(b.deadline, NEVER);
}

TEST(Arp, AnswersForItsAddressOnly) {
    Bench b;
    b.receive(arp(1, parse("10.0.2.9"), ipv4_addresses().us));
    auto sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(Bytes(sent[0].begin(), sent[0].begin() + 6), peer_mac());
    EXPECT_EQ(sent[0][21], 2);  // reply
    EXPECT_EQ(Bytes(sent[0].begin() + 22, sent[0].begin() + 28), our_mac());
    b.receive(arp(1, parse("10.0.2.9"), parse("10.0.2.51")));
    EXPECT_TRUE(b.take_sent().empty());
}

TEST(Arp, AsksForANeighbourAndThenSendsWhatWaited) {
    Bench b;
    Addresses a{ipv4_addresses().us, parse("10.0.2.77")};
    b.receive(icmp_echo(a, {1, 2, 3}));
    auto sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0][12] << 8 | sent[0][13], 0x0806);
    b.receive(icmp_echo(a, {4, 5, 6}));  // within a second: no second request
    EXPECT_TRUE(b.take_sent().empty());
    b.receive(arp(2, a.peer, a.us));
    sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].back(), 6);
}

TEST(Arp, KnowsManyNeighboursInBoundedMemory) {
    Bench b;
    for (unsigned i = 1; i < 250; i++) {
        b.receive(arp(1, parse("10.0.2." + std::to_string(i == 50 ? 51 : i)), ipv4_addresses().us));
        b.now += 1000;
    }
    EXPECT_EQ(b.take_sent().size(), 249u);
    b.receive(icmp_echo({ipv4_addresses().us, parse("10.0.2.249")}, {}));
    auto sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0][13], 0x00);  // IPv4: the latest is known
}

TEST(Ndp, AnswersSolicitations) {
    Bench b;
    Addresses a = ipv6_addresses();
    ip_address group = parse("ff02::1:ff00:50"), link_local = parse("fe80::216:3eff:fe00:50");
    b.receive(ndp_solicitation(parse("fe80::9"), group, a.us));
    auto sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0][54], 136);
    EXPECT_EQ(sent[0][58], 0x60);  // solicited, override
    EXPECT_EQ(Bytes(sent[0].begin() + 80, sent[0].end()), our_mac());
    b.receive(ndp_solicitation(parse("fe80::9"), link_local, link_local));
    EXPECT_EQ(b.take_sent().size(), 1u);
    b.receive(ndp_solicitation(parse("::"), group, a.us, false));  // address test: to everybody
    sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0][5], 1);
    b.receive(ndp_solicitation(parse("fe80::9"), group, a.us, true, 64));  // through a router?
    b.receive(ndp_solicitation(parse("fe80::9"), group, parse("fd00::51")));
    EXPECT_TRUE(b.take_sent().empty());
}

TEST(Ndp, BrokenOptionsAreDropped) {
    Bench b;
    Addresses a = ipv6_addresses();
    for (Bytes option : {Bytes{1, 0, 0, 0, 0, 0, 0, 0}, Bytes{1, 2, 0, 0, 0, 0, 0, 0}, Bytes{1}}) {
        Bytes p = {135, 0, 0, 0, 0, 0, 0, 0};
        p.insert(p.end(), a.us.b, a.us.b + 16);
        append(p, option);
        fill_checksum(p, 2, a.peer, a.us, PROTOCOL_ICMPV6);
        b.receive(ip(a.peer, a.us, PROTOCOL_ICMPV6, p, 255));
        EXPECT_TRUE(b.take_sent().empty());
    }
}

class BothFamilies : public testing::TestWithParam<bool> {
  protected:
    Addresses a = GetParam() ? ipv6_addresses() : ipv4_addresses();
    size_t ip_header = GetParam() ? 40 : 20;
};
INSTANTIATE_TEST_SUITE_P(, BothFamilies, testing::Bool(),
                         [](const auto& i) { return i.param ? "IPv6" : "IPv4"; });

TEST_P(BothFamilies, PingIsAnswered) {
    Bench b;
    for (size_t size : {size_t{0}, size_t{1}, size_t{56}, MTU - ip_header - 8}) {
        Bytes data(size, 0xa5);
        b.receive(icmp_echo(a, data));
        auto sent = b.take_sent();
        ASSERT_EQ(sent.size(), 1u) << size;
        EXPECT_EQ(sent[0][14 + ip_header], GetParam() ? 129 : 0);
        EXPECT_EQ(sent[0].size(), 14 + ip_header + 8 + size);
        EXPECT_EQ(
            Bytes(sent[0].begin() + static_cast<ptrdiff_t>(14 + ip_header + 8), sent[0].end()),
            data);
    }
}

TEST_P(BothFamilies, UdpEchoes) {
    Bench b;
    b.receive(udp(a, 5000, 7, {1, 2, 3}));
    auto sent = b.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(Bytes(sent[0].end() - 3, sent[0].end()), Bytes({1, 2, 3}));
    EXPECT_EQ(Bytes(sent[0].begin() + static_cast<ptrdiff_t>(14 + ip_header),
                    sent[0].begin() + static_cast<ptrdiff_t>(14 + ip_header + 6)),
              Bytes({0, 7, 0x13, 0x88, 0, 11}));
    b.receive(udp(a, 7, 7, {1}));     // another echo service
    b.receive(udp(a, 5000, 8, {1}));  // nobody there
    EXPECT_TRUE(b.take_sent().empty());
}

TEST_P(BothFamilies, EveryTruncationIsSilentOrHarmless) {
    Bench b;
    for (const Bytes& whole : {udp(a, 5000, 7, Bytes(20)), icmp_echo(a, Bytes(20)),
                               tcp(a, {.flags = SYN, .options = {2, 4, 5, 0xb4}})}) {
        for (size_t size = 0; size < whole.size(); size++) {
            b.receive(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
            EXPECT_TRUE(b.take_sent().empty()) << size;
        }
    }
}

TEST_P(BothFamilies, DamagedPacketsAreSilent) {
    Bench b;
    for (const Bytes& whole : {udp(a, 5000, 7, Bytes(20)), icmp_echo(a, Bytes(20))}) {
        for (size_t i = 14 + ip_header; i < whole.size(); i++) {
            Bytes damaged = whole;
            damaged[i] ^= 0x10;
            b.receive(damaged);
            EXPECT_TRUE(b.take_sent().empty()) << i;
        }
    }
}

TEST(Ip, FragmentsAndForeignDestinationsAreSilent) {
    Bench b;
    Addresses a = ipv4_addresses();
    for (uint8_t flags : Bytes{0x20, 0x00}) {  // the first of several, and a later one
        Bytes f = icmp_echo(a, Bytes(20));
        f[20] = flags;
        f[21] = flags ? 0 : 5;
        f[24] = f[25] = 0;
        uint32_t sum = 0;
        for (size_t i = 14; i < 34; i += 2) {
            sum += static_cast<uint32_t>(f[i] << 8 | f[i + 1]);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        f[24] = static_cast<uint8_t>(~sum >> 8);
        f[25] = static_cast<uint8_t>(~sum);
        b.receive(f);
    }
    b.receive(icmp_echo({parse("10.0.2.51"), a.peer}, {}));
    b.receive(icmp_echo({parse("10.0.2.255"), a.peer}, {}));
    b.receive(icmp_echo({a.us, parse("224.0.0.1")}, {}));
    b.receive(icmp_echo({a.us, parse("127.0.0.1")}, {}));
    EXPECT_TRUE(b.take_sent().empty());
}

}  // namespace
}  // namespace guest_test
