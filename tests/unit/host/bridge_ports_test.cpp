// Against the real kernel, in a network namespace of the test's own: a bridge with a client and a
// guest, veth pairs whose ends are raw sockets of the test.
#include "summond/host/bridge_ports.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <fstream>

#include "own_network.hpp"
#include "packets.hpp"

namespace summond::host {
namespace {

using test::Frame;

constexpr service::Mac service{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01};
constexpr service::Mac sender{0x02, 0x00, 0x00, 0x00, 0x00, 0x77};

// The next frame that one of the stations has sent; empty: none within `limit` milliseconds. What
// the kernel says in its own name (a bridge joins 224.0.0.106 and tells routers) is left out.
Frame next(int fd, int limit = 30000) {
    pollfd ready{fd, POLLIN, 0};
    while (::poll(&ready, 1, limit) == 1) {
        Frame frame(2000);
        const auto size = ::read(fd, frame.data(), frame.size());
        frame.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        const auto sent_by = [&frame](const service::Mac& mac) {
            return frame.size() >= 12 && std::equal(mac.begin(), mac.end(), frame.begin() + 6);
        };
        if (sent_by(service) || sent_by(sender))
            return frame;
    }
    return {};
}

// The next that is TCP: a bridge's kernel speaks IGMP of its own.
Frame next_segment(int fd) {
    for (;;) {
        Frame frame = next(fd);
        const bool v4 = frame.size() > 23 && frame[12] == 8 && frame[13] == 0;
        if (frame.empty() || (frame.size() > 23 && frame[v4 ? 23 : 20] == 6))
            return frame;
    }
}

class BridgePortsTest : public test::OwnNetwork {
  protected:
    void SetUp() override {
        OwnNetwork::SetUp();
        if (IsSkipped())
            return;
        // The kernel says nothing of its own, such as whom it listens to.
        std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;
        ip("link add br0 type bridge");
        ip("link set br0 addrgenmode none");
        for (const std::string name : {"client", "guest"}) {
            ip("link add " + name + "0 type veth peer name " + name + "1");
            ip("link set " + name + "0 addrgenmode none");
            ip("link set " + name + "1 addrgenmode none");
            ip("link set " + name + "0 master br0 up");
            ip("link set " + name + "1 up");
        }
        ip("link set br0 up");
        client_ = raw("client1");
        guest_ = raw("guest1");
        auto opened = BridgePorts::open();
        ASSERT_TRUE(opened) << opened.error().what;
        ports_ = std::move(*opened);
        auto tap = ports_->make_tap("br0");
        ASSERT_TRUE(tap) << tap.error().what;
        tap_ = std::move(*tap);
        await_forwarding();
    }
    // The ports of a bridge forward once the kernel has looked at their links. Each question is for
    // another address, so that an early one which came late is not taken for what a test sends.
    void await_forwarding() {
        bool at_tap = false, at_guest = false;
        for (int tries = 1; tries < 250 && !(at_tap && at_guest); ++tries) {
            const Frame question = broadcast_question(tries);
            send(client_.get(), question);
            at_tap = await(tap_.fd.get(), question);
            at_guest = await(guest_.get(), question);
        }
        ASSERT_TRUE(at_tap && at_guest) << "the bridge forwards nothing";
    }
    static Frame broadcast_question(int number) {
        Frame question = frames::question(sender, test::ip("10.9.0.77"), service,
                                          test::ip(("10.9.1." + std::to_string(number)).c_str()));
        std::fill_n(question.begin(), 6, std::uint8_t{0xff});
        return question;
    }
    // Reads up to that frame; false: it has not come within a second.
    static bool await(int fd, const Frame& frame) {
        for (Frame found = next(fd, 1000); !found.empty(); found = next(fd, 1000))
            if (found == frame)
                return true;
        return false;
    }
    static base::UniqueFd raw(const char* interface) {
        base::UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = __builtin_bswap16(ETH_P_ALL);
        at.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        const int on = 1;
        ::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
        return fd;
    }
    static void send(int fd, const Frame& frame) {
        EXPECT_EQ(::write(fd, frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
    }
    static Frame syn(std::uint32_t sequence) {
        return test::tcp(service, sender, "10.9.0.77", "10.9.0.50", 4000, 80, sequence, test::syn);
    }
    int vif() { return static_cast<int>(::if_nametoindex("guest0")); }

    base::UniqueFd client_;
    base::UniqueFd guest_;
    std::unique_ptr<BridgePorts> ports_;
    BridgePorts::Tap tap_;
};

TEST_F(BridgePortsTest, WhereTheBridgeSendsAService) {
    ASSERT_TRUE(ports_->send_to(service, tap_.index, true));
    send(client_.get(), syn(1));
    EXPECT_EQ(next(tap_.fd.get()), syn(1));
    // Whatever the guest sends meanwhile, its MAC stays there.
    send(guest_.get(), frames::announcement(service, test::ip("10.9.0.50")));
    EXPECT_EQ(next(tap_.fd.get()), frames::announcement(service, test::ip("10.9.0.50")));
    send(client_.get(), syn(2));
    EXPECT_EQ(next(tap_.fd.get()), syn(2));

    ASSERT_TRUE(ports_->send_to(service, vif(), false));
    send(client_.get(), syn(3));
    EXPECT_EQ(next(guest_.get()), syn(3)) << "the first that the guest gets of its own";
    ASSERT_TRUE(ports_->send_to(service, tap_.index, true));
    send(client_.get(), syn(4));
    EXPECT_EQ(next(tap_.fd.get()), syn(4));

    // What we send as the service teaches the bridge nothing.
    ASSERT_TRUE(ports_->send_to(service, vif(), false));
    send(tap_.fd.get(), frames::announcement(service, test::ip("10.9.0.50")));
    EXPECT_EQ(next(guest_.get()), frames::announcement(service, test::ip("10.9.0.50")));
    send(client_.get(), syn(5));
    EXPECT_EQ(next(guest_.get()), syn(5));
}

TEST_F(BridgePortsTest, TheTapSeesQuestionsAndNoOtherGroups) {
    send(client_.get(), test::packet(frames::multicast_mac(test::ip("ff02::fb")), sender,
                                     "fd09::77", "ff02::fb", 17, Frame(40)));
    Frame broadcast = test::udp(service, sender, "10.9.0.77", "10.9.0.255", 1, 2, 3);
    std::fill_n(broadcast.begin(), 6, std::uint8_t{0xff});
    send(client_.get(), broadcast);
    Frame unknown = syn(1);
    unknown[5] = 0x99;
    send(client_.get(), unknown);
    const Frame arp = test::arp_request(sender, "10.9.0.77", "10.9.0.50");
    const Frame solicitation = test::solicitation(sender, "fd09::77", "fd09::50");
    const Frame query = test::listener_query(sender);
    for (const Frame& frame : {arp, solicitation, query})
        send(client_.get(), frame);
    EXPECT_EQ(next(tap_.fd.get()), arp);
    EXPECT_EQ(next(tap_.fd.get()), solicitation);
    EXPECT_EQ(next(tap_.fd.get()), query);
}

TEST_F(BridgePortsTest, TheSocketOfAGuestGivesAndHearsLittle) {
    auto socket = BridgePorts::socket_to(vif());
    ASSERT_TRUE(socket) << socket.error().what;
    send(socket->get(), syn(1));
    EXPECT_EQ(next(guest_.get()), syn(1));
    send(guest_.get(),
         test::tcp(sender, service, "10.9.0.50", "10.9.0.77", 80, 4000, 1, test::ack));
    const Frame reply =
        frames::answer(service, test::ip("10.9.0.50"), sender, test::ip("10.9.0.77"));
    const Frame advertisement =
        frames::answer(service, test::ip("fd09::50"), sender, test::ip("fd09::77"));
    const Frame udp = test::udp(sender, service, "10.9.0.50", "10.9.0.77", 1, 53, 4);
    const Frame udp6 = test::udp(sender, service, "fd09::50", "fd09::77", 1, 53, 4);
    const Frame refused =
        test::tcp(sender, service, "10.9.0.50", "10.9.0.77", 80, 4000, 1, test::rst | test::ack);
    const Frame accepted =
        test::tcp(sender, service, "fd09::50", "fd09::77", 80, 4000, 1, test::syn | test::ack);
    for (const Frame& frame : {reply, advertisement, udp, udp6, refused, accepted}) {
        send(guest_.get(), frame);
        EXPECT_EQ(next(socket->get()), frame);
    }
}

TEST_F(BridgePortsTest, ResetsOfAYoungGuestAreForItsSocketOnly) {
    auto socket = BridgePorts::socket_to(vif());
    ASSERT_TRUE(socket) << socket.error().what;
    const auto segment = [](unsigned port, unsigned flags) {
        return test::tcp(sender, service, "10.9.0.50", "10.9.0.77", 80, port, 1, flags);
    };
    const auto segment6 = [](unsigned port, unsigned flags) {
        return test::tcp(sender, service, "fd09::50", "fd09::77", 80, port, 1, flags);
    };
    ASSERT_TRUE(ports_->hold_resets(vif(), true));
    send(guest_.get(), segment(1, test::rst));
    send(guest_.get(), segment6(2, test::rst | test::ack));
    send(guest_.get(), segment(3, test::syn | test::ack));
    EXPECT_EQ(next_segment(client_.get()), segment(3, test::syn | test::ack));
    EXPECT_EQ(next_segment(socket->get()), segment(1, test::rst));
    EXPECT_EQ(next_segment(socket->get()), segment6(2, test::rst | test::ack));
    // Wire's own pass.
    send(tap_.fd.get(), segment(4, test::rst));
    EXPECT_EQ(next_segment(client_.get()), segment(4, test::rst));
    ASSERT_TRUE(ports_->hold_resets(vif(), false));
    send(guest_.get(), segment(5, test::rst));
    EXPECT_EQ(next_segment(client_.get()), segment(5, test::rst));
    // And they pass when whoever held them is gone, however it ended.
    ASSERT_TRUE(ports_->hold_resets(vif(), true));
    ports_.reset();
    Frame passed;
    for (int tries = 0; tries < 20 && passed.empty(); ++tries) {
        send(guest_.get(), segment(6, test::rst));
        passed = next_segment(client_.get());
    }
    EXPECT_EQ(passed, segment(6, test::rst));
}

TEST_F(BridgePortsTest, AllGoesWithTheTap) {
    ASSERT_TRUE(ports_->send_to(service, tap_.index, true));
    EXPECT_NE(output("bridge fdb show br br0").find("00:16:3e:80:00:01"), std::string::npos);
    tap_.fd.reset();
    EXPECT_EQ(output("bridge fdb show br br0").find("00:16:3e:80:00:01"), std::string::npos);
    EXPECT_EQ(output("ip -o link").find("summond"), std::string::npos);
}

TEST_F(BridgePortsTest, OnlyOnBridgesOfLinux) {
    EXPECT_EQ(ports_->make_tap("br9").error().what, "there is no bridge br9");
    EXPECT_EQ(ports_->make_tap("client1").error().what, "client1 is no bridge of Linux's own");
}

}  // namespace
}  // namespace summond::host
