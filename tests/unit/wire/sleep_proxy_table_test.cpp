// What each kind of packet does to a service in each phase: the table of docs/NETWORK.md, cell by
// cell. A service with ports tcp/80, udp/53 and icmp, and wake_from 10.0.2.0/24 and fec0::/64.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "fake_clock.hpp"
#include "guest.hpp"
#include "packets.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {
namespace {

using frames::Frame;
using frames::IpPacket;
using frames::Mac;
using test::ip;

constexpr char here[] = "10.0.2.50";
constexpr char near_by[] = "10.0.2.60";
constexpr char far_away[] = "192.0.2.60";

struct Seen final : Actions {
    std::string what;
    Frame to_all;
    void note(const char* word) { what += (what.empty() ? "" : ", ") + std::string(word); }
    void to_bridge(unsigned, std::span<const std::uint8_t> frame) override {
        note(frame[12] == 8 && frame[13] == 0 && (frame[47] & test::rst) != 0 ? "reset"
                                                                              : "answered");
        to_all.assign(frame.begin(), frame.end());
    }
    void to_guest(service::Id, std::span<const std::uint8_t>) override { note("passed"); }
    void wake(service::Id, const IpPacket&, bool) override { note("wakes"); }
    void wake_in(service::Id, const IpPacket&, bool) override { note("wakes in"); }
    void handed_over(service::Id, const HandOver&) override {}
    void grown(service::Id) override {}
    void first_byte(service::Id) override {}
};

Frame tcp(unsigned port, unsigned flags, const char* from = near_by) {
    return test::tcp(guest, client, from, here, 40000, port, 1000, flags);
}
Frame udp(unsigned port, const char* from = near_by, unsigned from_port = 5000) {
    return test::udp(guest, client, from, here, from_port, port, 10);
}

struct Kind {
    const char* name;
    Frame frame;
    // Phases: away; refused; a copy waits; paused or saved; starting; being restored; starting, but
    // since before anybody looked (vmm or wire is new); ready.
    std::array<const char*, 8> does;
};

const std::array kinds{
    Kind{"SYN to a port of `ports`",
         tcp(80, test::syn),
         {"wakes, held", "wakes, held", "wakes, held", "wakes, held", "held", "held", "held",
          "passed"}},
    Kind{"SYN to another port",
         tcp(22, test::syn),
         {"", "", "", "", "held", "held", "held", "passed"}},
    Kind{"SYN from elsewhere than `wake_from`",
         tcp(80, test::syn, far_away),
         {"", "", "", "", "held", "held", "held", "passed"}},
    Kind{"segment of a connection",
         tcp(80, test::ack),
         {"reset", "reset", "reset", "wakes, held", "reset", "held", "passed", "passed"}},
    Kind{"segment of a connection to another port",
         tcp(22, test::ack),
         {"reset", "reset", "reset", "", "reset", "held", "passed", "passed"}},
    Kind{"segment of a connection from elsewhere",
         tcp(80, test::ack | test::fin, far_away),
         {"reset", "reset", "reset", "", "reset", "held", "passed", "passed"}},
    Kind{"answer to a connection of the guest's own",
         test::tcp(guest, client, near_by, here, 443, 3000, 1, test::syn | test::ack),
         {"reset", "reset", "reset", "", "passed", "held", "passed", "passed"}},
    Kind{"RST", tcp(80, test::rst), {"", "", "", "", "passed", "passed", "passed", "passed"}},
    Kind{"datagram to a port of `ports`",
         udp(53),
         {"wakes, held", "wakes, held", "wakes, held", "wakes, held", "held", "held", "held",
          "passed"}},
    Kind{"datagram to another port", udp(9999), {"", "", "", "", "held", "held", "held", "passed"}},
    Kind{"datagram from elsewhere",
         udp(53, far_away),
         {"", "", "", "", "held", "held", "held", "passed"}},
    Kind{"answer to a datagram of the guest's own",
         udp(3333, near_by, 53),
         {"", "", "", "", "passed", "passed", "passed", "passed"}},
    Kind{"ping",
         test::echo(guest, client, near_by, here),
         {"wakes, held", "wakes, held", "wakes, held", "wakes, held", "held", "held", "held",
          "passed"}},
    Kind{"ping from elsewhere",
         test::echo(guest, client, far_away, here),
         {"", "", "", "", "held", "held", "held", "passed"}},
    Kind{"another protocol, ICMP errors and replies too",
         test::packet(guest, client, near_by, here, 1, {3, 1, 0, 0, 0, 0, 0, 0}),
         {"", "", "", "", "passed", "passed", "passed", "passed"}},
    Kind{"fragment without its first one",
         test::later_fragment(guest, client, near_by, here),
         {"", "", "", "", "passed", "passed", "passed", "passed"}},
    Kind{"ARP request",  // the guest that starts has spoken for this address already
         test::arp_request(client, near_by, here),
         {"answered", "answered", "answered", "answered", "", "", "", ""}},
    Kind{"neighbour solicitation",
         test::solicitation(client, "fec0::60", "fec0::50"),
         {"answered", "answered", "answered", "answered", "answered", "answered", "answered", ""}},
    Kind{"frame for somebody else",
         test::arp_request(client, near_by, "10.0.2.99"),
         {"", "", "", "", "", "", "", ""}},
};

const std::array<const char*, 8> phases{"away",     "refused",        "waiting",  "kept",
                                        "starting", "being restored", "taken up", "ready"};

// A proxy whose service is in this phase.
struct Stage {
    explicit Stage(std::size_t phase) {
        proxy.put({www,
                   0,
                   guest,
                   {ip(here), ip("fec0::50")},
                   {{service::Protocol::tcp, 80},
                    {service::Protocol::udp, 53},
                    {service::Protocol::icmp, 0}},
                   {{ip("10.0.2.0"), 24}, {ip("fec0::"), 64}},
                   std::chrono::seconds(30)});
        static constexpr std::array<std::array<GuestState, 2>, 8> ways{{
            {GuestState::away, GuestState::away},
            {GuestState::starting, GuestState::refused},
            {GuestState::away, GuestState::waiting},
            {GuestState::running, GuestState::kept},
            {GuestState::away, GuestState::starting},
            {GuestState::kept, GuestState::starting},
            {GuestState::starting, GuestState::starting},
            {GuestState::starting, GuestState::running},
        }};
        for (const GuestState state : ways.at(phase))
            proxy.set_state(www, state);
        proxy.attach(www);
        // It asks a name server, and opens a connection.
        proxy.from_guest(www, test::udp(client, guest, here, near_by, 3333, 53, 10));
        proxy.from_guest(www, test::tcp(client, guest, here, near_by, 3000, 443, 1, test::syn));
        clock.advance(std::chrono::seconds(5));
        seen = {};
        seen.what.clear();
    }
    std::string does(const Frame& frame) {
        const bool timed = proxy.deadline().has_value();
        proxy.from_bridge(0, frame);
        if (!timed && proxy.deadline())
            seen.note("held");
        std::string what = seen.what;
        return what == "held, wakes" ? "wakes, held" : what;
    }
    test::FakeClock clock;
    Seen seen;
    SleepProxy proxy{clock, seen, {}};
};

TEST(SleepProxyTable, EachKindInEachPhase) {
    for (const Kind& kind : kinds)
        for (std::size_t phase = 0; phase < phases.size(); ++phase) {
            Stage stage(phase);
            EXPECT_EQ(stage.does(kind.frame), kind.does.at(phase))
                << kind.name << ", " << phases.at(phase);
        }
}

// RFC 9293 §3.10.7.1, where there is no connection.
TEST(SleepProxyTable, TheResetIsTheRightOne) {
    Stage stage(0);
    stage.does(tcp(80, test::ack));
    const auto acked = frames::parse(stage.seen.to_all);
    ASSERT_TRUE(acked);
    const auto& of_ack = std::get<IpPacket>(acked->what);
    EXPECT_EQ(acked->to, client);
    EXPECT_EQ(acked->from, guest);
    EXPECT_TRUE(of_ack.resets);
    EXPECT_FALSE(of_ack.acks);
    EXPECT_EQ(of_ack.sequence, 0U) << "what the segment acknowledges";
    EXPECT_EQ(of_ack.from_port, 80);
    EXPECT_EQ(of_ack.to_port, 40000);

    stage.does(tcp(80, test::fin));
    const auto unacked = frames::parse(stage.seen.to_all);
    ASSERT_TRUE(unacked);
    const auto& of_fin = std::get<IpPacket>(unacked->what);
    EXPECT_TRUE(of_fin.resets && of_fin.acks);
    EXPECT_EQ(of_fin.sequence, 0U);
    EXPECT_EQ(of_fin.acknowledges, 1001U) << "the FIN has a place, too";
}

}  // namespace
}  // namespace summond::wire
