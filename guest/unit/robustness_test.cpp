// Random packets against the test unikernel's stack, the same ones in every run: nothing may crash
// or trip a sanitizer, and afterwards the stack must still serve.
#include <gtest/gtest.h>

#include <random>

#include "bench.hpp"

extern "C" {
#include "../net/ip.h"
}

namespace guest_test {
namespace {

class Random {
  public:
    uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }
    bool one_in(uint32_t n) { return below(n) == 0; }
    template <typename T>
    const T& of(const std::vector<T>& v) {
        return v[below(static_cast<uint32_t>(v.size()))];
    }

  private:
    std::mt19937_64 engine_{20150504};
};

// A TCP segment that is likely to mean something to a connection of the stack.
Bytes segment(Random& random, const Addresses& a, const Bench& b) {
    const tcp_connection& c = b.net->connections[random.below(TCP_CONNECTIONS)];
    Segment s;
    s.from_port = c.state != TCP_FREE && !random.one_in(8)
                      ? c.remote_port
                      : static_cast<uint16_t>(40000 + random.below(200));
    s.seq = c.rcv_nxt + random.below(5) - random.below(5);
    s.ack = c.snd_nxt - random.of(std::vector<uint32_t>{0, 0, 0, 1, 100, 0xffffffff, 5000});
    s.flags = random.of(std::vector<uint8_t>{SYN, SYN, ACK, ACK, ACK, ACK, FIN | ACK, RST,
                                             RST | ACK, SYN | ACK, 0, 0xff});
    s.window = random.of(std::vector<uint16_t>{0, 1, 100, 65535, 65535});
    static const std::vector<std::string> texts = {"",
                                                   "",
                                                   "G",
                                                   "GET / HTTP/1.1\r\n",
                                                   "\r\n",
                                                   "\r\n\r\n",
                                                   "GET / HTTP/1.1\r\n\r\n",
                                                   "\n\n \n",
                                                   "HEAD / HTTP/1.0\r\nConnection: close\r\n\r\n",
                                                   "Connection: close\r\n",
                                                   std::string(1400, 'x'),
                                                   std::string("\0\xff", 2)};
    s.data = random.of(texts);
    for (uint32_t n = random.below(10) * 4; n > 0; n--) {
        s.options.push_back(static_cast<uint8_t>(random.below(6)));
    }
    return tcp(a, s);
}

// Changes some bytes of a frame or its size. The transport checksum is mended half of the time.
void damage(Random& random, Bytes& frame) {
    for (uint32_t n = random.below(4); n > 0; n--) {
        frame[random.below(static_cast<uint32_t>(frame.size()))] =
            static_cast<uint8_t>(random.below(256));
    }
    if (random.one_in(4)) {
        frame.resize(random.below(static_cast<uint32_t>(frame.size()) + 1));
    } else if (random.one_in(4)) {
        frame.resize(frame.size() + random.below(64));
    }
}

Bytes random_frame(Random& random, const Bench& b) {
    Addresses a = random.one_in(2) ? ipv6_addresses() : ipv4_addresses();
    Bytes data(random.below(1400));
    for (uint8_t& byte : data) {
        byte = static_cast<uint8_t>(random.below(256));
    }
    switch (random.below(10)) {
        case 0:
            return udp(a, 5000, 7, data);
        case 1:
            return icmp_echo(a, data);
        case 2:
            return arp(static_cast<uint16_t>(random.below(3)),
                       parse("10.0.2." + std::to_string(random.below(256))), ipv4_addresses().us);
        case 3: {  // NDP with random options and a right checksum
            a = ipv6_addresses();
            data.resize(random.below(80));
            Bytes p = {static_cast<uint8_t>(135 + random.below(2)), 0, 0, 0, 0, 0, 0, 0};
            p.insert(p.end(), a.us.b, a.us.b + 16);
            append(p, data);
            for (size_t i = 24; i + 1 < p.size(); i += 8) {
                p[i] = static_cast<uint8_t>(random.below(3));
                p[i + 1] = static_cast<uint8_t>(random.below(3));
            }
            fill_checksum(p, 2, a.peer, a.us, PROTOCOL_ICMPV6);
            return ip(a.peer, a.us, PROTOCOL_ICMPV6, p, 255);
        }
        case 4: {  // any bytes at all after a right IP header
            static const std::vector<uint8_t> protocols = {1, 6, 17, 58, 0, 255};
            return ip(a.peer, a.us, random.of(protocols), data);
        }
        default:
            return segment(random, a, b);
    }
}

TEST(Robustness, RandomPackets) {
    Random random;
    Bench b;
    for (int i = 0; i < 60'000; i++) {
        Bytes frame = random_frame(random, b);
        if (random.one_in(3)) {
            damage(random, frame);
        }
        b.receive(frame);
        if (random.one_in(20)) {
            b.advance(random.below(3) * kSecond + random.below(1000));
        }
        if (random.one_in(100)) {
            b.sent.clear();
        }
        for (const tcp_connection& c : b.net->connections) {
            ASSERT_LE(c.received_size, static_cast<size_t>(TCP_RECEIVE_BUFFER));
            ASSERT_LE(c.send_size, static_cast<size_t>(TCP_SEND_BUFFER));
        }
    }
    EXPECT_GT(b.net->http.requests, 50u);  // the packets did get far

    // After all timers have run out nobody is left but peers that fell silent without closing.
    b.advance(600 * kSecond);
    EXPECT_EQ(b.deadline, NEVER);
    b.sent.clear();
    b.receive(arp(1, ipv4_addresses().peer, ipv4_addresses().us));
    b.receive(icmp_echo(ipv4_addresses(), {1}));
    EXPECT_EQ(b.sent.size(), 2u);
    b.sent.clear();
    b.receive(tcp(ipv4_addresses(), {.from_port = 1, .seq = 1, .flags = SYN}));
    EXPECT_FALSE(b.take_segments(ipv4_addresses()).empty());
}

}  // namespace
}  // namespace guest_test
