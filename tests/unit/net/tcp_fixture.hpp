// A TCP server with real connections on loopback; its io_context is run by the test, on a clock
// that stands still.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <stdexcept>

#include "net_fixture.hpp"
#include "summond/net/bind.hpp"
#include "summond/net/tcp_server.hpp"

namespace summond::net {

class TcpFixture : public testing::Test {
  protected:
    void serve(const TcpLimits& limits = {}) {
        auto sockets = test::bind(test::endpoint("127.0.0.1"), 1);
        address = describe(sockets[1].get())->local;
        server = std::make_unique<TcpServer>(
            io, test::example_zones(), services, clock, limits, answer::default_settings,
            metrics::ThreadCounters{counted.get(), &parked, &sessions});
        ASSERT_TRUE(server->listen(std::move(sockets[1])));
    }
    // Runs the server until then; for at most 10 s, so that a failed test ends.
    void run_until(const std::function<bool()>& done) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done()) {
            if (std::chrono::steady_clock::now() > end)
                throw std::runtime_error("what the test waits for does not happen");
            io.restart();
            io.run_one_for(std::chrono::milliseconds(10));
        }
    }
    static bool readable(const test::Client& client) {
        pollfd p{client.fd(), POLLIN, 0};
        return ::poll(&p, 1, 0) == 1;
    }
    test::Bytes answer(test::Client& client) {
        run_until([&] { return client.has_message(); });
        return client.receive();
    }
    bool ended(test::Client& client) {
        run_until([&] { return readable(client); });
        return client.at_end();
    }
    // All connections that clients have made are known to the server, and all they sent.
    void await_connections(std::size_t connections) {
        run_until([&] { return server->connection_count() == connections; });
        io.restart();
        while (io.run_one_for(std::chrono::milliseconds(20)) > 0) {
        }
    }
    void say(const ipc::State& what) {
        vmm.say(what);
        services.receive();
    }
    void advance(base::Duration by) {
        clock.advance(by);
        server->tick();
    }

    boost::asio::io_context io{1};
    test::FakeClock clock;
    test::FakeVmm vmm;
    const std::unique_ptr<metrics::DnsCounters> counted = std::make_unique<metrics::DnsCounters>();
    metrics::Gauge parked{};
    metrics::Gauge sessions{};
    std::unique_ptr<TcpServer> server;
    Services services{test::example_settings(), clock, [this] { server->signal(); }};
    base::Endpoint address;

    void SetUp() override { services.connect(io, vmm.connect()); }
};

inline const test::Bytes static_query =
    test::framed(test::query("static.jit.example", test::type_txt, 1));

}  // namespace summond::net
