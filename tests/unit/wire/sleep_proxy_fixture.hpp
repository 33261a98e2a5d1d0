// The stand-in for one sleeping guest, what it does, and the frames of a client and of the guest.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "fake_clock.hpp"
#include "guest.hpp"
#include "packets.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

using frames::Frame;
using frames::IpPacket;
using frames::Mac;
using test::ip;

struct Recorder final : Actions {
    std::vector<Frame> to_all;
    std::vector<Frame> given;
    std::vector<IpPacket> wakes;
    std::vector<IpPacket> wakes_in;
    bool proved = false;  // the last of them
    std::vector<HandOver> hand_overs;
    unsigned grown_up = 0;

    void grown(service::Id) override { ++grown_up; }
    unsigned first_bytes = 0;
    void first_byte(service::Id) override { ++first_bytes; }
    void to_bridge(unsigned, std::span<const std::uint8_t> frame) override {
        to_all.emplace_back(frame.begin(), frame.end());
    }
    void to_guest(service::Id, std::span<const std::uint8_t> frame) override {
        given.emplace_back(frame.begin(), frame.end());
    }
    void wake(service::Id, const IpPacket& first, bool by_proof) override {
        wakes.push_back(first);
        proved = by_proof;
    }
    void wake_in(service::Id, const IpPacket& first, bool by_proof) override {
        wakes_in.push_back(first);
        proved = by_proof;
    }
    void handed_over(service::Id, const HandOver& what) override { hand_overs.push_back(what); }
};

class SleepProxyFixture : public testing::Test {
  protected:
    SleepProxyFixture() { proxy.put(station()); }

    static Station station() {
        return {www, 0, guest, {ip("10.0.2.50"), ip("fec0::50")}, {}, {}, std::chrono::seconds(30)};
    }
    void from_client(const Frame& frame) { proxy.from_bridge(0, frame); }
    static Frame syn(std::uint16_t port = 80, std::uint32_t sequence = 1,
                     const char* from = "10.0.2.60") {
        return test::tcp(guest, client, from, "10.0.2.50", 40000, port, sequence, test::syn);
    }
    static Frame datagram(std::uint16_t from_port, std::uint16_t port, std::size_t size = 10) {
        return test::udp(guest, client, "10.0.2.60", "10.0.2.50", from_port, port, size);
    }
    // The guest has answered for its IPv4 address.
    void guest_speaks() {
        proxy.from_guest(www, frames::answer(guest, ip("10.0.2.50"), client, ip("10.0.2.60")));
    }
    // A guest that has just booted, whose SYNs are paced.
    void boot() {
        proxy.set_state(www, GuestState::away);
        start();
    }
    static Frame segment_of_guest(unsigned flags, std::uint32_t acknowledges,
                                  unsigned client_port = 40000, unsigned port = 80) {
        Frame frame =
            test::tcp(client, guest, "10.0.2.50", "10.0.2.60", port, client_port, 9, flags);
        for (unsigned i = 0; i < 4; ++i)
            frame[42 + i] = static_cast<std::uint8_t>(acknowledges >> (24 - 8 * i));
        return frame;
    }
    static Frame syn_from(unsigned port) {
        return test::tcp(guest, client, "10.0.2.60", "10.0.2.50", port, 80, 1, test::syn);
    }
    void start() {
        proxy.set_state(www, GuestState::starting);
        proxy.attach(www);
    }

    summond::test::FakeClock clock;
    Recorder seen;
    SleepProxy proxy{clock, seen, {}};
};

}  // namespace summond::wire
