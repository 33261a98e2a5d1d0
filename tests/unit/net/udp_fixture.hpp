// A UDP worker with real sockets on loopback, stepped by the test on a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>

#include "net_fixture.hpp"
#include "summond/net/bind.hpp"
#include "summond/net/udp_worker.hpp"

namespace summond::net {

class UdpFixture : public testing::Test {
  protected:
    // A worker on this address, port chosen by the kernel.
    void serve(std::string_view address, std::unique_ptr<RateLimiter> limiter = nullptr) {
        auto sockets = test::bind(test::endpoint(address), 1);
        sockets.pop_back();  // TCP
        server = describe(sockets[0].get())->local;
        socket = sockets[0].get();
        auto made = UdpWorker::make(std::move(sockets), test::example_zones(), services, clock,
                                    settings, std::move(limiter), {counted.get(), &parked});
        ASSERT_TRUE(made) << made.error().what;
        worker = std::move(*made);
    }
    void say(const ipc::State& what) {
        vmm.say(what);
        services.receive();
        worker->step(0);
    }
    // What arrives on loopback is there when send returns, or very soon after.
    void step() { worker->step(10'000); }

    test::FakeClock clock;
    test::FakeVmm vmm;
    boost::asio::io_context io;
    std::unique_ptr<UdpWorker> worker;
    Services services{test::example_settings(), clock, [this] { worker->signal(); }};
    answer::Settings settings;
    base::Endpoint server;
    int socket = -1;
    const std::unique_ptr<metrics::DnsCounters> counted = std::make_unique<metrics::DnsCounters>();
    metrics::Gauge parked{};

    void SetUp() override { services.connect(io, vmm.connect()); }
};

}  // namespace summond::net
