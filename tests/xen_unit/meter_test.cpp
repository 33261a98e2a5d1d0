// The meter's tables, in a network namespace of the test's own: real nftables, no Xen.
#include "meter.hpp"

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

namespace summond::xen {
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
void send(const char* name, const config::Mac& to, std::uint16_t type) {
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

std::uint64_t packets(Meter& meter, config::ServiceId service) {
    const auto traffic = meter.read();
    EXPECT_TRUE(traffic) << traffic.error().what;
    for (const vm::Traffic& counted : *traffic)
        if (counted.service == service)
            return counted.packets;
    return 999;
}

constexpr config::Mac guest{0x00, 0x16, 0x3e, 0x80, 0, 1};
constexpr config::Mac other{0x00, 0x16, 0x3e, 0x80, 0, 2};

TEST(Meter, CountsIpToTheGuestAtAnInterface) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    Meter meter;
    const auto counted = meter.count_at("vif1.0", config::to_string(guest), 7);
    ASSERT_TRUE(counted) << counted.error().what;
    EXPECT_EQ(packets(meter, 7), 0U);
    send("vif1.0", guest, 0x0800);
    send("vif1.0", guest, 0x86dd);
    send("vif1.0", guest, 0x0806);
    send("vif1.0", other, 0x0800);
    EXPECT_EQ(packets(meter, 7), 2U);
    // Once more, as a start after a kill does: not counted twice.
    ASSERT_TRUE(meter.count_at("vif1.0", config::to_string(guest), 7));
    send("vif1.0", guest, 0x0800);
    EXPECT_EQ(packets(meter, 7), 3U);
}

TEST(Meter, DoesNotReadAServiceThatItCannotCount) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    Meter meter;
    config::Service service;
    service.id = 8;
    service.interfaces = {{guest, "xenbr0", "", "", "", ""}, {other, "", "vif-route", "", "", ""}};
    ASSERT_TRUE(meter.set({service}));
    EXPECT_EQ(packets(meter, 8), 0U);
    EXPECT_FALSE(meter.count_at("vif1.1", config::to_string(other), 8));
    EXPECT_EQ(packets(meter, 8), 999U);
    EXPECT_TRUE(meter.count_at("vif1.0", config::to_string(other), 8));
    send("vif1.0", other, 0x0800);
    EXPECT_EQ(packets(meter, 8), 1U);
}

// What `nft list counters` prints of the table of wakes.
std::string shown_wakes() {
    std::string text;
    FILE* nft = ::popen("nft list counters table bridge summond_wakes 2>&1", "r");
    for (int c = 0; nft != nullptr && (c = std::fgetc(nft)) != EOF;)
        text += static_cast<char>(c);
    ::pclose(nft);
    return text;
}

TEST(Meter, ShowsWakesByReason) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    config::Service service;
    service.id = 9;
    service.name = "www";
    service.interfaces = {{guest, "xenbr0", "", "", "", ""}};
    {
        Meter meter;
        ASSERT_TRUE(meter.set({service}));
        vm::Wakes wakes;
        wakes.of(vm::WakeReason::dns).add(std::chrono::milliseconds(400));
        meter.count_wakes(service, wakes);
        ASSERT_TRUE(meter.write_wakes());
        EXPECT_EQ(shown_wakes(), R"(table bridge summond_wakes {
	counter w0000000000000009_dns {
		comment "www woken, dns: times, ms waited"
		packets 1 bytes 400
	}
}
)");
        // The last of two before a write counts; a new configuration forgets nothing.
        wakes.of(vm::WakeReason::packet).add(std::chrono::milliseconds(30));
        meter.count_wakes(service, wakes);
        wakes.of(vm::WakeReason::dns).add(std::chrono::milliseconds(500));
        meter.count_wakes(service, wakes);
        ASSERT_TRUE(meter.write_wakes());
        ASSERT_TRUE(meter.set({}));
        const std::string shown = shown_wakes();
        EXPECT_NE(shown.find("packets 2 bytes 900"), std::string::npos) << shown;
        EXPECT_NE(shown.find("packets 1 bytes 30"), std::string::npos) << shown;
    }
    EXPECT_EQ(shown_wakes().find("packets"), std::string::npos) << "gone with the meter";
}

TEST(Meter, BeginsAnewAfterAKill) {
    if (!enter_namespace())
        GTEST_SKIP() << "needs root";
    ASSERT_EQ(std::system("nft add table bridge summond_wakes && "
                          "nft add counter bridge summond_wakes old"),
              0);
    Meter meter;
    ASSERT_TRUE(meter.set({}));
    EXPECT_EQ(shown_wakes().find("old"), std::string::npos) << shown_wakes();
}

}  // namespace
}  // namespace summond::xen
