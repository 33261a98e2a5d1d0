// The table of wakes, in a network namespace of the test's own: real nftables, no Xen.
#include "summond/host/wake_counters.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "own_network.hpp"

namespace summond::host {
namespace {

class WakeCountersTest : public test::OwnNetwork {
  protected:
    static service::Template www() {
        service::Template service;
        service.id = 9;
        service.name = "www";
        return service;
    }
    static std::string shown() {
        return output("nft list counters table bridge summond_wakes 2>&1");
    }

    boost::asio::io_context io;
};

TEST_F(WakeCountersTest, AreShownByReason) {
    {
        WakeCounters counters(io);
        vm::Wakes wakes;
        wakes.of(service::WakeReason::dns).add(std::chrono::milliseconds(400));
        counters.show(www(), wakes);
        ASSERT_TRUE(counters.write());
        EXPECT_EQ(shown(), R"(table bridge summond_wakes {
	counter w0000000000000009_dns {
		comment "www woken, dns: times, ms waited"
		packets 1 bytes 400
	}
}
)");
        // The last of two before a write counts.
        wakes.of(service::WakeReason::packet).add(std::chrono::milliseconds(30));
        counters.show(www(), wakes);
        wakes.of(service::WakeReason::dns).add(std::chrono::milliseconds(500));
        counters.show(www(), wakes);
        ASSERT_TRUE(counters.write());
        const std::string text = shown();
        EXPECT_NE(text.find("packets 2 bytes 900"), std::string::npos) << text;
        EXPECT_NE(text.find("packets 1 bytes 30"), std::string::npos) << text;
    }
    EXPECT_EQ(shown().find("packets"), std::string::npos) << "gone with the counters";
}

TEST_F(WakeCountersTest, AreShownFromTheLoopThoughNobodyAsks) {
    WakeCounters counters(io);
    vm::Wakes wakes;
    wakes.of(service::WakeReason::dns).add(std::chrono::milliseconds(400));
    counters.show(www(), wakes);
    io.run();
    EXPECT_NE(shown().find("packets 1 bytes 400"), std::string::npos) << shown();
}

TEST_F(WakeCountersTest, BeginAnewAfterAKill) {
    ASSERT_EQ(std::system("nft add table bridge summond_wakes && "
                          "nft add counter bridge summond_wakes old"),
              0);
    WakeCounters counters(io);
    EXPECT_EQ(shown().find("old"), std::string::npos) << shown();
}

}  // namespace
}  // namespace summond::host
