// The meter's tables, in a network namespace of the test's own: real nftables, no Xen.
#include "summond/host/traffic_meter.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "packets.hpp"

namespace summond::host {
namespace {

// The rest of the process stays in a namespace of its own, which ends with it, with an Ethernet
// interface vif1.0.
bool enter_namespace() {
    static const bool entered =
        ::unshare(CLONE_NEWNET) == 0 &&
        std::system(
            "ip link add vif1.0 type veth peer name peer && ip link set vif1.0 up && "
            "ip link set peer up") == 0;
    return entered;
}

// A frame with nothing in it but its header, out of the interface.
void send(const char* name, const service::Mac& to, std::uint16_t type) {
    std::array<std::uint8_t, 60> frame{};
    std::copy(to.begin(), to.end(), frame.begin());
    frame[12] = static_cast<std::uint8_t>(type >> 8);
    frame[13] = static_cast<std::uint8_t>(type);
    const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(::if_nametoindex(name));
    address.sll_protocol = htons(type);
    ASSERT_EQ(::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&address),
                       sizeof address),
              static_cast<ssize_t>(frame.size()));
    ::close(fd);
}

std::uint64_t packets(TrafficMeter& meter, service::Id service) {
    const auto traffic = meter.read();
    EXPECT_TRUE(traffic) << traffic.error().what;
    for (const vm::Traffic& counted : *traffic)
        if (counted.service == service)
            return counted.packets;
    return 999;
}

constexpr service::Mac guest{0x00, 0x16, 0x3e, 0x80, 0, 1};
constexpr service::Mac other{0x00, 0x16, 0x3e, 0x80, 0, 2};

service::Template scripted(service::Id id) {
    service::Template service;
    service.id = id;
    service.interfaces = {{guest, "", "vif-route", "", "", ""}};
    return service;
}

void send_frame(const char* name, const frames::Frame& frame) {
    const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(::if_nametoindex(name));
    ASSERT_EQ(::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&address),
                       sizeof address),
              static_cast<ssize_t>(frame.size()));
    ::close(fd);
}

// A bridge with a client's and a guest's port: what is sent into `client1` reaches the bridge
// there, and what is sent into `guest1` comes from the guest.
bool make_bridge() {
    static const bool made =
        std::system(
            "ip link add br1 type bridge mcast_snooping 0 && ip link set br1 up && "
            "for i in client guest; do ip link add ${i}1 type veth peer name ${i}0 && "
            "ip link set ${i}0 master br1 && ip link set ${i}0 up && ip link set ${i}1 up; done; "
            "for try in $(seq 100); do "
            "[ $(bridge link show | grep -c 'state forwarding') = 2 ] && exit 0; sleep 0.1; done; "
            "exit 1") == 0;
    return made;
}

using test::tcp;
using test::udp;
constexpr char here[] = "10.0.2.50";
constexpr char near_by[] = "10.0.2.60";
constexpr char far_away[] = "192.0.2.60";
constexpr service::Mac client{0x52, 0x54, 0x00, 0x00, 0x00, 0x02};

frames::Frame to_guest(unsigned port, unsigned flags, const char* from = near_by,
                       unsigned from_port = 40000) {
    return tcp(guest, client, from, here, from_port, port, 1, flags);
}
frames::Frame of_guest(unsigned from_port, unsigned port, unsigned flags) {
    return tcp(client, guest, here, near_by, from_port, port, 1, flags);
}

service::Template picky() {
    service::Template service;
    service.id = 10;
    service.name = "www";
    service.interfaces = {{guest, "br1", "", "", "", ""}};
    service.ports = {{service::Protocol::tcp, 80}};
    service.wake_from = {{test::ip("10.0.2.0"), 24}};
    service.idle_ignore = {{test::ip("10.0.2.99"), 32}};
    return service;
}

// What could wake it keeps it, and nothing else.
TEST(TrafficMeter, CountsWhatCouldWake) {
    if (!enter_namespace() || !make_bridge())
        GTEST_SKIP() << "needs root";
    TrafficMeter meter;
    const auto set = meter.count({picky()});
    ASSERT_TRUE(set) << set.error().what;
    struct Case {
        const char* name;
        frames::Frame frame;
        std::uint64_t counts;
    };
    const Case cases[] = {
        {"a SYN to its port", to_guest(80, test::syn), 1},
        {"what follows it", to_guest(80, test::ack), 1},
        {"a reset", to_guest(80, test::rst), 0},
        {"a SYN to another port", to_guest(22, test::syn), 0},
        {"a datagram", udp(guest, client, near_by, here, 5000, 9999, 10), 0},
        {"a ping", test::echo(guest, client, near_by, here), 0},
        {"a SYN from elsewhere", to_guest(80, test::syn, far_away), 0},
        {"a SYN from elsewhere, IPv6",
         tcp(guest, client, "2001:db8::1", "fec0::50", 9, 80, 1, test::syn), 0},
        {"a SYN of the health checker", to_guest(80, test::syn, "10.0.2.99"), 0},
        {"what is not for it", tcp(other, client, near_by, here, 9, 80, 1, test::syn), 0},
    };
    for (const Case& each : cases) {
        const auto before = packets(meter, 10);
        send_frame("client1", each.frame);
        EXPECT_EQ(packets(meter, 10) - before, each.counts) << each.name;
    }
}

TEST(TrafficMeter, CountsAnswersToWhatTheGuestHasBegun) {
    if (!enter_namespace() || !make_bridge())
        GTEST_SKIP() << "needs root";
    TrafficMeter meter;
    ASSERT_TRUE(meter.count({picky()}));
    const auto counts = [&meter](const frames::Frame& frame) {
        const auto before = packets(meter, 10);
        send_frame("client1", frame);
        return packets(meter, 10) - before;
    };
    const frames::Frame accepted = to_guest(3000, test::syn | test::ack, near_by, 443);
    EXPECT_EQ(counts(accepted), 0U) << "it has asked for nothing";
    send_frame("guest1", of_guest(3000, 443, test::syn));
    EXPECT_EQ(counts(accepted), 1U);
    const frames::Frame resolved = udp(guest, client, near_by, here, 53, 3333, 10);
    send_frame("guest1", udp(client, guest, here, near_by, 3333, 53, 10));
    EXPECT_EQ(counts(resolved), 1U);
    // Of one who has spoken first, the guest's answers begin nothing.
    const frames::Frame stray = udp(guest, client, near_by, here, 5000, 9999, 10);
    EXPECT_EQ(counts(stray), 0U);
    send_frame("guest1", udp(client, guest, here, near_by, 9999, 5000, 10));
    EXPECT_EQ(counts(stray), 0U);
    EXPECT_EQ(counts(to_guest(22, test::syn)), 0U);
    send_frame("guest1", of_guest(22, 40000, test::rst | test::ack));
    EXPECT_EQ(counts(to_guest(22, test::syn)), 0U);
}

TEST(TrafficMeter, KnowsOpenConnections) {
    if (!enter_namespace() || !make_bridge())
        GTEST_SKIP() << "needs root";
    service::Template service = picky();
    service.keep_connections = std::chrono::hours(2);
    TrafficMeter meter;
    const auto set = meter.count({service});
    ASSERT_TRUE(set) << set.error().what;
    const auto open = [&meter] {
        const auto traffic = meter.read();
        EXPECT_TRUE(traffic);
        return traffic->at(0).connection_silent.has_value();
    };
    EXPECT_FALSE(open());
    send_frame("client1", to_guest(80, test::ack));
    EXPECT_FALSE(open()) << "a connection that has not been made";
    send_frame("client1", to_guest(22, test::syn));
    EXPECT_FALSE(open()) << "not of the service";
    send_frame("client1", to_guest(80, test::syn));
    EXPECT_FALSE(open()) << "nor this one yet";
    send_frame("client1", to_guest(80, test::ack));
    ASSERT_TRUE(open());
    EXPECT_GE(*meter.read()->at(0).connection_silent, std::chrono::seconds(0));
    EXPECT_LE(*meter.read()->at(0).connection_silent, std::chrono::seconds(5));
    const auto again = meter.count({service});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(open()) << "a reload forgets it";
    send_frame("guest1", of_guest(80, 40000, test::fin | test::ack));
    send_frame("client1", to_guest(80, test::ack));
    EXPECT_FALSE(open()) << "the guest has ended it";
    send_frame("client1", to_guest(80, test::syn, near_by, 40001));
    send_frame("client1", to_guest(80, test::ack, near_by, 40001));
    EXPECT_TRUE(open());
    send_frame("client1", to_guest(80, test::rst, near_by, 40001));
    EXPECT_FALSE(open()) << "the client has";
}

// Of services that come and go while others' counts go on.
TEST(TrafficMeter, CountsOneMoreAndOneLess) {
    if (!enter_namespace() || !make_bridge())
        GTEST_SKIP() << "needs root";
    const auto late = [](service::Id id, const service::Mac& mac) {
        service::Template service = picky();
        service.id = id;
        service.name = "pages@" + std::to_string(id);
        service.interfaces[0].mac = mac;
        service.ports = {{service::Protocol::tcp, 8080}};
        return service;
    };
    TrafficMeter meter;
    ASSERT_TRUE(meter.count({}));
    const auto first = meter.count_also(picky());
    ASSERT_TRUE(first) << first.error().what;
    send_frame("client1", to_guest(80, test::syn));
    EXPECT_EQ(packets(meter, 10), 1U);
    for (int again = 0; again < 2; ++again) {
        const auto also = meter.count_also(late(11, other));
        ASSERT_TRUE(also) << also.error().what;
        send_frame("client1", tcp(other, client, near_by, here, 9, 8080, 1, test::syn));
        send_frame("client1", tcp(other, client, near_by, here, 9, 80, 1, test::syn));
        EXPECT_EQ(packets(meter, 11), 1U) << "by rules of its own";
        EXPECT_EQ(packets(meter, 10), 1U) << "as before";
        meter.forget(11);
        EXPECT_EQ(packets(meter, 11), 999U) << "there is none";
    }
    meter.forget(10);
    meter.forget(10);
    EXPECT_TRUE(meter.read()->empty());
    ASSERT_TRUE(meter.count_also(picky()));
    EXPECT_EQ(packets(meter, 10), 0U);
}

TEST(TrafficMeter, TheSameAtAnInterface) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    service::Template service = scripted(11);
    service.ports = {{service::Protocol::tcp, 80}};
    TrafficMeter meter;
    ASSERT_TRUE(meter.count({service}));
    const auto counted = meter.count_at("vif1.0", service::to_string(guest), 11);
    ASSERT_TRUE(counted) << counted.error().what;
    send_frame("vif1.0", to_guest(80, test::syn));
    EXPECT_EQ(packets(meter, 11), 1U);
    send_frame("vif1.0", to_guest(22, test::syn));
    const frames::Frame accepted = to_guest(3000, test::syn | test::ack, near_by, 443);
    send_frame("vif1.0", accepted);
    EXPECT_EQ(packets(meter, 11), 1U);
    send_frame("peer", of_guest(3000, 443, test::syn));
    send_frame("vif1.0", accepted);
    EXPECT_EQ(packets(meter, 11), 2U);
}

TEST(TrafficMeter, CountsIpToTheGuestAtAnInterface) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    TrafficMeter meter;
    ASSERT_TRUE(meter.count({scripted(7)}));
    const auto counted = meter.count_at("vif1.0", service::to_string(guest), 7);
    ASSERT_TRUE(counted) << counted.error().what;
    EXPECT_EQ(packets(meter, 7), 0U);
    send_frame("vif1.0", to_guest(80, test::ack));
    send_frame("vif1.0", tcp(guest, client, "fec0::60", "fec0::50", 9, 80, 1, test::ack));
    send("vif1.0", guest, 0x0806);
    send_frame("vif1.0", tcp(other, client, near_by, here, 9, 80, 1, test::ack));
    EXPECT_EQ(packets(meter, 7), 2U);
    // Once more, as a start after a kill does: not counted twice.
    ASSERT_TRUE(meter.count_at("vif1.0", service::to_string(guest), 7));
    send_frame("vif1.0", to_guest(80, test::ack));
    EXPECT_EQ(packets(meter, 7), 3U);
}

TEST(TrafficMeter, DoesNotReadAServiceThatItCannotCount) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    TrafficMeter meter;
    service::Template service;
    service.id = 8;
    service.interfaces = {{guest, "xenbr0", "", "", "", ""}, {other, "", "vif-route", "", "", ""}};
    ASSERT_TRUE(meter.count({service}));
    EXPECT_EQ(packets(meter, 8), 0U);
    EXPECT_FALSE(meter.count_at("vif1.1", service::to_string(other), 8));
    EXPECT_EQ(packets(meter, 8), 999U);
    EXPECT_TRUE(meter.count_at("vif1.0", service::to_string(other), 8));
    send_frame("vif1.0", tcp(other, client, near_by, here, 9, 80, 1, test::ack));
    EXPECT_EQ(packets(meter, 8), 1U);
}

}  // namespace
}  // namespace summond::host
