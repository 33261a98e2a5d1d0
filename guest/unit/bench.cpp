// The unit tests' fake link; see bench.hpp.
#include "bench.hpp"

#include <gtest/gtest.h>

#include <cstring>

extern "C" {
#include "../net/bytes.h"
#include "../net/ethernet.h"
#include "../net/ip.h"
#include "../net/ndp.h"
}

namespace guest_test {

static Bench* current;

ip_address parse(const std::string& text) {
    ip_address a{};
    EXPECT_TRUE(address_parse(text.data(), text.size(), &a)) << text;
    return a;
}

Addresses ipv4_addresses() {
    return {parse("10.0.2.50"), parse("10.0.2.2")};
}

Addresses ipv6_addresses() {
    return {parse("fd00::50"), parse("fd00::2")};
}

Bytes our_mac() {
    return {0x00, 0x16, 0x3e, 0x00, 0x00, 0x50};
}

Bytes peer_mac() {
    return {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
}

void append(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
}

void append16(Bytes& to, uint32_t value) {
    to.push_back(static_cast<uint8_t>(value >> 8));
    to.push_back(static_cast<uint8_t>(value));
}

void append32(Bytes& to, uint32_t value) {
    append16(to, value >> 16);
    append16(to, value & 0xffff);
}

Bytes ethernet(uint16_t ethertype, const Bytes& payload) {
    Bytes f = our_mac();
    append(f, peer_mac());
    append16(f, ethertype);
    append(f, payload);
    return f;
}

Bytes ip(const ip_address& from, const ip_address& to, uint8_t protocol, const Bytes& payload,
         uint8_t hop_limit) {
    Bytes p;
    bool ipv4 = address_is_ipv4(&to);
    size_t skip = ipv4 ? 12 : 0;
    if (ipv4) {
        p = {0x45, 0};
        append16(p, static_cast<uint32_t>(20 + payload.size()));
        append32(p, 0);
        p.push_back(hop_limit);
        p.push_back(protocol);
        append16(p, 0);
    } else {
        append32(p, 6u << 28);
        append16(p, static_cast<uint32_t>(payload.size()));
        p.push_back(protocol);
        p.push_back(hop_limit);
    }
    p.insert(p.end(), from.b + skip, from.b + 16);
    p.insert(p.end(), to.b + skip, to.b + 16);
    if (ipv4) {
        uint16_t sum = checksum_finish(checksum_add(0, p.data(), p.size()));
        p[10] = static_cast<uint8_t>(sum >> 8);
        p[11] = static_cast<uint8_t>(sum);
    }
    append(p, payload);
    return ethernet(ipv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6, p);
}

void fill_checksum(Bytes& payload, size_t at, const ip_address& from, const ip_address& to,
                   uint8_t protocol) {
    payload[at] = payload[at + 1] = 0;
    uint16_t sum = ip_payload_checksum(&from, &to, protocol, payload.data(), payload.size());
    payload[at] = static_cast<uint8_t>(sum >> 8);
    payload[at + 1] = static_cast<uint8_t>(sum);
}

Bytes udp(const Addresses& a, uint16_t from_port, uint16_t to_port, const Bytes& data) {
    Bytes p;
    append16(p, from_port);
    append16(p, to_port);
    append16(p, static_cast<uint32_t>(8 + data.size()));
    append16(p, 0);
    append(p, data);
    fill_checksum(p, 6, a.peer, a.us, PROTOCOL_UDP);
    return ip(a.peer, a.us, PROTOCOL_UDP, p);
}

Bytes icmp_echo(const Addresses& a, const Bytes& data) {
    bool ipv4 = address_is_ipv4(&a.us);
    Bytes p = {static_cast<uint8_t>(ipv4 ? 8 : 128), 0, 0, 0, 0x12, 0x34, 0, 1};
    append(p, data);
    if (ipv4) {
        uint16_t sum = checksum_finish(checksum_add(0, p.data(), p.size()));
        p[2] = static_cast<uint8_t>(sum >> 8);
        p[3] = static_cast<uint8_t>(sum);
    } else {
        fill_checksum(p, 2, a.peer, a.us, PROTOCOL_ICMPV6);
    }
    return ip(a.peer, a.us, ipv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, p);
}

Bytes arp(uint16_t operation, const ip_address& sender, const ip_address& target) {
    Bytes p = {0, 1, 8, 0, 6, 4};
    append16(p, operation);
    append(p, peer_mac());
    p.insert(p.end(), sender.b + 12, sender.b + 16);
    append(p, Bytes(6));
    p.insert(p.end(), target.b + 12, target.b + 16);
    return ethernet(ETHERTYPE_ARP, p);
}

Bytes ndp_solicitation(const ip_address& from, const ip_address& to, const ip_address& target,
                       bool with_mac, uint8_t hop_limit) {
    Bytes p = {NDP_SOLICITATION, 0, 0, 0, 0, 0, 0, 0};
    p.insert(p.end(), target.b, target.b + 16);
    if (with_mac) {
        append(p, {1, 1});
        append(p, peer_mac());
    }
    fill_checksum(p, 2, from, to, PROTOCOL_ICMPV6);
    return ip(from, to, PROTOCOL_ICMPV6, p, hop_limit);
}

Bytes ndp_advertisement(const Addresses& a) {
    Bytes p = {NDP_ADVERTISEMENT, 0, 0, 0, 0x60, 0, 0, 0};
    p.insert(p.end(), a.peer.b, a.peer.b + 16);
    append(p, {2, 1});
    append(p, peer_mac());
    fill_checksum(p, 2, a.peer, a.us, PROTOCOL_ICMPV6);
    return ip(a.peer, a.us, PROTOCOL_ICMPV6, p, 255);
}

Bytes tcp(const Addresses& a, const Segment& s) {
    Bytes p;
    append16(p, s.from_port);
    append16(p, s.to_port);
    append32(p, s.seq);
    append32(p, s.ack);
    p.push_back(static_cast<uint8_t>((20 + s.options.size()) / 4 << 4));
    p.push_back(s.flags);
    append16(p, s.window);
    append32(p, 0);
    append(p, s.options);
    p.insert(p.end(), s.data.begin(), s.data.end());
    fill_checksum(p, 16, a.peer, a.us, PROTOCOL_TCP);
    return ip(a.peer, a.us, PROTOCOL_TCP, p);
}

Bench::Bench() : net(std::make_unique<struct net>()) {
    current = this;
    std::memset(net.get(), 0, sizeof *net);
    std::memcpy(net->mac, our_mac().data(), 6);
    net->ipv4 = {true, ipv4_addresses().us, 96 + 24, true, ipv4_addresses().peer};
    net->ipv6 = {true, ipv6_addresses().us, 64, true, ipv6_addresses().peer};
    net->environment.transmit = [](const void* frame, size_t size) {
        const auto* p = static_cast<const uint8_t*>(frame);
        ASSERT_LE(size, static_cast<size_t>(FRAME_MAX));
        current->sent.emplace_back(p, p + size);
    };
    net->environment.requested = [](http_action a) { current->requested.push_back(a); };
    net_link_up(net.get(), now);
    receive(arp(1, ipv4_addresses().peer, ipv4_addresses().us));
    receive(ndp_solicitation(ipv6_addresses().peer, ipv6_addresses().us, ipv6_addresses().us));
    advance(2 * kSecond);
    sent.clear();
}

Bench::~Bench() {
    current = nullptr;
}

void Bench::receive(const Bytes& frame) {
    Bytes exact(frame);  // its own allocation, so that a sanitizer sees every byte beyond the end
    exact.shrink_to_fit();
    net_input(net.get(), now, exact.data(), exact.size());
    tick();
}

void Bench::tick() {
    deadline = net_tick(net.get(), now);
    answer_neighbour_requests();
}

void Bench::answer_neighbour_requests() {
    ip_address peer4 = ipv4_addresses().peer, peer6 = ipv6_addresses().peer;
    for (size_t i = 0; i < sent.size(); i++) {
        const Bytes& f = sent[i];
        Bytes answer;
        if (f.size() == 14 + 28 && f[13] == 0x06 && f[21] == 1 &&
            std::equal(f.begin() + 38, f.end(), peer4.b + 12)) {
            answer = arp(2, peer4, ipv4_addresses().us);
        } else if (f.size() == 14 + 40 + 32 && f[54] == NDP_SOLICITATION &&
                   std::equal(peer6.b, peer6.b + 16, f.begin() + 62)) {
            answer = ndp_advertisement(ipv6_addresses());
        } else {
            continue;
        }
        sent.erase(sent.begin() + static_cast<ptrdiff_t>(i));
        net_input(net.get(), now, answer.data(), answer.size());
    }
}

void Bench::advance(uint64_t nanoseconds) {
    uint64_t end = now + nanoseconds;
    for (tick(); deadline <= end; tick()) {
        ASSERT_GT(deadline, now);  // or the guest would spin
        now = deadline;
    }
    now = end;
}

std::vector<Bytes> Bench::take_sent() {
    return std::exchange(sent, {});
}

std::vector<Segment> Bench::take_segments(const Addresses& a) {
    std::vector<Segment> segments;
    bool ipv4 = address_is_ipv4(&a.us);
    size_t ip_header = ipv4 ? 20 : 40;
    for (const Bytes& f : take_sent()) {
        if (f[ipv4 ? 14 + 9 : 14 + 6] != PROTOCOL_TCP) {
            continue;
        }
        Bytes p(f.begin() + static_cast<ptrdiff_t>(14 + ip_header), f.end());
        EXPECT_EQ(ip_payload_checksum(&a.us, &a.peer, PROTOCOL_TCP, p.data(), p.size()), 0);
        size_t length = static_cast<size_t>(f[ipv4 ? 16 : 18]) << 8 | f[ipv4 ? 17 : 19];
        EXPECT_EQ(length, ipv4 ? p.size() + 20 : p.size());
        auto at16 = [&](size_t i) { return static_cast<uint16_t>(p[i] << 8 | p[i + 1]); };
        auto at32 = [&](size_t i) { return static_cast<uint32_t>(at16(i)) << 16 | at16(i + 2); };
        size_t header = static_cast<size_t>(p[12] >> 4) * 4;
        Segment s{at16(0), at16(2), at32(4), at32(8), p[13], at16(14), {}, {}};
        s.options.assign(p.begin() + 20, p.begin() + static_cast<ptrdiff_t>(header));
        s.data.assign(p.begin() + static_cast<ptrdiff_t>(header), p.end());
        segments.push_back(s);
    }
    return segments;
}

}  // namespace guest_test
