// A struct net with a fake link, for the unit tests: frames that it sends are collected, and frames
// from a peer are made up byte by byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "../net/net.h"
}

namespace guest_test {

using Bytes = std::vector<uint8_t>;

inline constexpr uint64_t kSecond = 1'000'000'000;

struct Addresses {
    ip_address us, peer;
};

ip_address parse(const std::string& text);
Addresses ipv4_addresses();  // 10.0.2.50 and 10.0.2.2
Addresses ipv6_addresses();  // fd00::50 and fd00::2
Bytes our_mac();
Bytes peer_mac();

void append(Bytes& to, const Bytes& more);
void append16(Bytes& to, uint32_t value);
void append32(Bytes& to, uint32_t value);

// Frames from the peer. Checksums are right unless the bytes are changed afterwards.
Bytes ethernet(uint16_t ethertype, const Bytes& payload);
Bytes ip(const ip_address& from, const ip_address& to, uint8_t protocol, const Bytes& payload,
         uint8_t hop_limit = 64);
// Puts the checksum of `payload`, which goes from `from` to `to`, at offset `at` in it.
void fill_checksum(Bytes& payload, size_t at, const ip_address& from, const ip_address& to,
                   uint8_t protocol);
Bytes udp(const Addresses& a, uint16_t from_port, uint16_t to_port, const Bytes& data);
Bytes icmp_echo(const Addresses& a, const Bytes& data);
Bytes arp(uint16_t operation, const ip_address& sender, const ip_address& target);
Bytes ndp_advertisement(const Addresses& a);  // of the peer's MAC
Bytes ndp_solicitation(const ip_address& from, const ip_address& to, const ip_address& target,
                       bool with_mac = true, uint8_t hop_limit = 255);

struct Segment {
    uint16_t from_port = 40000, to_port = 80;
    uint32_t seq = 0, ack = 0;
    uint8_t flags = 0;
    uint16_t window = 65535;
    Bytes options{};
    std::string data{};
};
enum : uint8_t { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

Bytes tcp(const Addresses& a, const Segment& s);

// The peer answers requests for its MAC by itself; neither they nor the answers are in `sent`.
class Bench {
  public:
    Bench();  // link up, both families configured, the peer's MAC known, nothing in `sent`
    ~Bench();

    void receive(const Bytes& frame);
    void advance(uint64_t nanoseconds);

    // What has been sent since last asked: whole frames, or the TCP segments among them. Each
    // segment's lengths and checksums are verified.
    std::vector<Bytes> take_sent();
    std::vector<Segment> take_segments(const Addresses& a);

    std::unique_ptr<struct net> net;
    uint64_t now = 1000 * kSecond;
    uint64_t deadline = 0;
    std::vector<Bytes> sent;
    std::vector<http_action> requested;

  private:
    void tick();
    void answer_neighbour_requests();
};

}  // namespace guest_test
