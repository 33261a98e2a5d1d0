// The UDP worker allocates nothing from the socket to the socket, once it serves.
#include <gtest/gtest.h>

#include "allocations.hpp"
#include "net_fixture.hpp"
#include "summond/net/bind.hpp"
#include "summond/net/udp_worker.hpp"

namespace summond::net {
namespace {

using test::Bytes;
using test::Client;
using test::query;

// OPT with a COOKIE option at the end of a query without EDNS.
Bytes with_cookie(Bytes message, const Bytes& cookie) {
    message[11] = 1;
    const auto size = static_cast<std::uint8_t>(cookie.size());
    const Bytes opt{0, 0,  41, 4,   0xd0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(size + 4),
                    0, 10, 0,  size};
    message.insert(message.end(), opt.begin(), opt.end());
    message.insert(message.end(), cookie.begin(), cookie.end());
    return message;
}

void serve_without_allocating(const std::string& address) {
    test::FakeClock clock;
    test::FakeVmm vmm;
    std::unique_ptr<UdpWorker> worker;
    boost::asio::io_context io;
    Services services(test::example_settings(), clock, [&worker] { worker->signal(); });
    services.connect(io, vmm.connect());
    answer::Settings settings;
    settings.cookie_secret.emplace();
    auto sockets = test::bind(test::endpoint(address), 1);
    sockets.pop_back();  // TCP
    auto server = describe(sockets[0].get())->local;
    server.address = test::endpoint("127.0.0.1").address;
    worker = UdpWorker::make(std::move(sockets), test::example_zones(), services, clock, settings)
                 .value();
    vmm.say(test::state("ready", service::Phase::ready));
    services.receive();
    worker->step(0);

    Client first = Client::udp(server);
    first.send(with_cookie(query("static.jit.example", test::type_txt), Bytes(8, 'c')));
    worker->step(10'000);
    const Bytes answer = first.receive();
    const Bytes cookie(answer.end() - 24, answer.end());

    const std::vector<Bytes> queries{
        query("static.jit.example", test::type_txt),
        query("ready.jit.example"),
        query("nothing.jit.example"),
        query("other.example"),
        with_cookie(query("ready.jit.example"), cookie),
        with_cookie(query("static.jit.example", test::type_txt), Bytes(8, 'd')),
        Bytes(5),
    };
    std::vector<Client> clients;
    for (std::size_t i = 0; i < 70; ++i)  // more than a batch
        clients.push_back(Client::udp(server));
    for (std::size_t i = 0; i < clients.size(); ++i)
        clients[i].send(queries[i % queries.size()]);
    const std::size_t before = test::allocations();
    worker->step(10'000);
    EXPECT_EQ(test::allocations(), before);
    for (std::size_t i = 0; i < clients.size(); ++i) {
        if (queries[i % queries.size()].size() > 12) {
            EXPECT_EQ(test::id(clients[i].receive()), 1);
        }
    }
    EXPECT_GT(test::allocations(), before);  // the counter does count
}

TEST(NoAllocation, OnOneAddress) {
    serve_without_allocating("127.0.0.1");
}

TEST(NoAllocation, OnAllAddresses) {
    serve_without_allocating("0.0.0.0");
}

}  // namespace
}  // namespace summond::net
