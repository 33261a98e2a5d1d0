// Frames of IPv4 and IPv6 packets, as strangers send them. Those of IPv4 have the
// header's checksum (br_netfilter drops others), not those of what is in it.
#pragma once

#include <string>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/frames/build.hpp"

namespace summond::test {

using frames::Frame;
using frames::Mac;

inline constexpr unsigned fin = 1;
inline constexpr unsigned syn = 2;
inline constexpr unsigned rst = 4;
inline constexpr unsigned ack = 16;

inline base::IpAddress ip(const char* text) {
    return *base::IpAddress::parse(text);
}

inline void put16(Frame& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

inline void put(Frame& to, std::span<const std::uint8_t> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

// The Internet checksum (RFC 1071), apart from that of the code under test: the sum of the octets
// from begin to end, and what it comes to at octet `at`.
inline std::uint32_t sum_of(const Frame& frame, std::size_t begin, std::size_t end) {
    std::uint32_t sum = 0;
    for (std::size_t i = begin; i + 1 < end; i += 2)
        sum += static_cast<std::uint32_t>(frame[i] << 8 | frame[i + 1]);
    return sum;
}

inline void put_checksum(Frame& frame, std::size_t at, std::uint32_t sum) {
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[at] = static_cast<std::uint8_t>(~sum >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(~sum);
}

// Ethernet and IP around a payload. fragment: the IPv4 field of flags and offset.
inline Frame packet(const Mac& to_mac, const Mac& from_mac, const char* from, const char* to,
                    unsigned protocol, const Frame& payload, unsigned fragment = 0) {
    Frame frame;
    put(frame, to_mac);
    put(frame, from_mac);
    const auto source = ip(from);
    if (source.is_v4()) {
        put16(frame, 0x0800);
        put16(frame, 0x4500);
        put16(frame, static_cast<unsigned>(20 + payload.size()));
        put16(frame, 1);
        put16(frame, fragment);
        put16(frame, 64 << 8 | protocol);
        put16(frame, 0);
    } else {
        put16(frame, 0x86dd);
        put16(frame, 0x6000);
        put16(frame, 0);
        put16(frame, static_cast<unsigned>(payload.size()));
        put16(frame, protocol << 8 | 255);
    }
    put(frame, source.bytes());
    put(frame, ip(to).bytes());
    if (source.is_v4())
        put_checksum(frame, 24, sum_of(frame, 14, 34));
    put(frame, payload);
    return frame;
}

inline Frame tcp(const Mac& to_mac, const Mac& from_mac, const char* from, const char* to,
                 unsigned from_port, unsigned to_port, std::uint32_t sequence, unsigned flags,
                 std::size_t payload = 0) {
    Frame segment;
    put16(segment, from_port);
    put16(segment, to_port);
    put16(segment, sequence >> 16);
    put16(segment, sequence & 0xffff);
    put16(segment, 0);
    put16(segment, 0);
    put16(segment, 0x5000 | flags);
    put16(segment, 0xffff);
    put16(segment, 0);
    put16(segment, 0);
    segment.resize(segment.size() + payload, 'x');
    return packet(to_mac, from_mac, from, to, 6, segment);
}

inline Frame udp(const Mac& to_mac, const Mac& from_mac, const char* from, const char* to,
                 unsigned from_port, unsigned to_port, std::size_t size) {
    Frame datagram;
    put16(datagram, from_port);
    put16(datagram, to_port);
    put16(datagram, static_cast<unsigned>(8 + size));
    put16(datagram, 0);
    datagram.resize(8 + size, 'x');
    return packet(to_mac, from_mac, from, to, 17, datagram);
}

inline Frame echo(const Mac& to_mac, const Mac& from_mac, const char* from, const char* to) {
    const bool v4 = ip(to).is_v4();
    return packet(to_mac, from_mac, from, to, v4 ? 1 : 58,
                  {static_cast<std::uint8_t>(v4 ? 8 : 128), 0, 0, 0, 0, 1, 0, 1});
}

inline Frame later_fragment(const Mac& to_mac, const Mac& from_mac, const char* from,
                            const char* to) {
    return packet(to_mac, from_mac, from, to, 17, Frame(64, 'y'), 185);
}

inline Frame arp_request(const Mac& from_mac, const char* from, const char* target) {
    Frame frame = frames::question(from_mac, ip(from), {}, ip(target));
    std::fill_n(frame.begin(), 6, std::uint8_t{0xff});
    return frame;
}

// To the target's solicited-node group, checksum and all.
inline Frame solicitation(const Mac& from_mac, const char* from, const char* target) {
    const auto group = frames::solicited_node_group(ip(target));
    const auto to_mac = frames::multicast_mac(group);
    Frame message{135, 0, 0, 0, 0, 0, 0, 0};
    put(message, ip(target).bytes());
    if (!ip(from).is_unspecified()) {
        put(message, std::vector<std::uint8_t>{1, 1});
        put(message, from_mac);
    }
    Frame frame = packet(to_mac, from_mac, from, group.to_string().c_str(), 58, message);
    put_checksum(frame, 56,
                 58 + static_cast<std::uint32_t>(message.size()) + sum_of(frame, 22, frame.size()));
    return frame;
}

// A general query (RFC 3810 §5.1) with its router alert.
inline Frame listener_query(const Mac& from_mac) {
    const auto all_nodes = ip("ff02::1");
    Frame message{130, 0, 0, 0, 0, 0, 0, 0};
    message.resize(28);
    Frame inner{58, 0, 5, 2, 0, 0, 1, 0};
    put(inner, message);
    Frame frame =
        packet(frames::multicast_mac(all_nodes), from_mac, "fe80::1", "ff02::1", 0, inner);
    // Of the addresses and the message: not of the router alert between them.
    put_checksum(frame, 64,
                 58 + static_cast<std::uint32_t>(message.size()) + sum_of(frame, 22, 54) +
                     sum_of(frame, 62, frame.size()));
    return frame;
}

}  // namespace summond::test
