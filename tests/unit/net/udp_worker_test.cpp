// Queries over UDP: answered, parked, drained.

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parked.hpp"
#include "udp_fixture.hpp"

namespace summond::net {
namespace {

using service::Phase;
using std::chrono::milliseconds;
using test::Bytes;
using test::Client;
using test::endpoint;
using test::query;
using test::service;
using test::state;
using testing::ElementsAre;

class UdpWorkerTest : public UdpFixture {
  protected:
    // Sends a query for a sleeping service: it is parked, and vmm is asked.
    void ask_sleeping(Client& client, std::string_view name, std::uint16_t id = 1) {
        client.send(query(name, test::type_a, id));
        step();
        EXPECT_TRUE(client.silent());
        services.take_wanted();
    }
};

TEST_F(UdpWorkerTest, AnswersStaticRecords) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    client.send(query("static.jit.example", test::type_txt, 4711));
    step();
    const Bytes answer = client.receive();
    EXPECT_EQ(test::id(answer), 4711);
    EXPECT_EQ(test::rcode(answer), test::noerror);
    EXPECT_EQ(test::answer_count(answer), 1);
}

TEST_F(UdpWorkerTest, AnswersOverIpv6) {
    serve("::1");
    Client client = Client::udp(server);
    client.send(query("static.jit.example", test::type_txt));
    step();
    EXPECT_EQ(test::answer_count(client.receive()), 1);
}

TEST_F(UdpWorkerTest, AnswersEachClientOfABatch) {
    serve("127.0.0.1");
    std::vector<Client> clients;
    for (std::uint16_t i = 0; i < 100; ++i) {
        clients.push_back(Client::udp(server));
        clients.back().send(
            query(i % 2 == 0 ? "static.jit.example" : "nothing.jit.example", test::type_txt, i));
    }
    step();
    for (std::uint16_t i = 0; i < 100; ++i) {
        const Bytes answer = clients[i].receive();
        EXPECT_EQ(test::id(answer), i);
        EXPECT_EQ(test::answer_count(answer), i % 2 == 0 ? 1 : 0);
    }
}

TEST_F(UdpWorkerTest, GapsInABatchShiftNoAnswer) {
    serve("127.0.0.1");
    std::vector<Client> clients;
    for (std::uint16_t i = 0; i < 60; ++i) {
        clients.push_back(Client::udp(server));
        if (i % 3 == 0)
            clients[i].send(Bytes(i, 0));  // dropped or FORMERR
        else
            clients[i].send(query(i % 3 == 1 ? "static.jit.example" : "ready.jit.example",
                                  i % 3 == 1 ? test::type_txt : test::type_a, i));
    }
    step();
    services.take_wanted();
    say(state("ready", Phase::ready));
    for (std::uint16_t i = 0; i < 60; ++i) {
        if (i % 3 == 0)
            continue;
        const Bytes answer = clients[i].receive();
        EXPECT_EQ(test::id(answer), i);
        EXPECT_EQ(test::answer_count(answer), 1);
        EXPECT_TRUE(clients[i].silent());
    }
}

TEST_F(UdpWorkerTest, DropsNonsenseAndGoesOn) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    client.send({1, 2, 3});
    client.send(Bytes(5000, 0));  // longer than the buffer
    Bytes response = query("static.jit.example", test::type_txt);
    response[2] |= 0x80;  // QR
    client.send(response);
    client.send(query("static.jit.example", test::type_txt, 7));
    step();
    EXPECT_EQ(test::id(client.receive()), 7);
    EXPECT_TRUE(client.silent());
}

TEST_F(UdpWorkerTest, ParksAndAnswersWhenTheDomainRuns) {
    serve("127.0.0.1");
    Client first = Client::udp(server);
    Client second = Client::udp(server);
    ask_sleeping(first, "booting.jit.example", 1);
    ask_sleeping(second, "booting.jit.example", 2);
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
    say(state("booting", Phase::building));
    EXPECT_TRUE(first.silent());
    say(state("booting", Phase::booting));
    for (const auto& [client, id] : {std::pair(&first, 1), std::pair(&second, 2)}) {
        const Bytes answer = client->receive();
        EXPECT_EQ(test::id(answer), id);
        EXPECT_EQ(test::rcode(answer), test::noerror);
        EXPECT_EQ(test::answer_count(answer), 1);
        EXPECT_TRUE(client->silent());
    }
    EXPECT_TRUE(services.states()[0].asked);
}

// A new vmm has not seen its Wake, and says that a copy waits before anybody has asked it again.
TEST_F(UdpWorkerTest, AParkedQueryThatIsAnsweredBecauseACopyWaitsWakesIt) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    ask_sleeping(client, "booting.jit.example");
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
    clock.advance(Services::wake_patience);
    services.run_timers();
    say(test::waiting("booting"));
    EXPECT_EQ(test::answer_count(client.receive()), 1);
    services.take_wanted();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
}

TEST_F(UdpWorkerTest, OtherTypesWakeNothing) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    client.send(query("booting.jit.example", test::type_txt));
    step();
    EXPECT_EQ(test::rcode(client.receive()), test::noerror);
    services.take_wanted();
    EXPECT_TRUE(vmm.hear().wakes.empty());
}

TEST_F(UdpWorkerTest, AnswersARetransmissionOnce) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    ask_sleeping(client, "ready.jit.example", 5);
    ask_sleeping(client, "ready.jit.example", 5);
    say(state("ready", Phase::ready));
    EXPECT_EQ(test::id(client.receive()), 5);
    EXPECT_TRUE(client.silent());
}

TEST_F(UdpWorkerTest, OneServiceDoesNotHoldUpAnother) {
    serve("127.0.0.1");
    Client slow = Client::udp(server);
    Client fast = Client::udp(server);
    ask_sleeping(slow, "ready.jit.example");
    ask_sleeping(fast, "booting.jit.example");
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::answer_count(fast.receive()), 1);
    EXPECT_TRUE(slow.silent());
}

TEST_F(UdpWorkerTest, FailureIsServfail) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    ask_sleeping(client, "booting.jit.example", 9);
    say(state("booting", Phase::failed, service::WakeFailure::no_memory, 1000));
    const Bytes answer = client.receive();
    EXPECT_EQ(test::id(answer), 9);
    EXPECT_EQ(test::rcode(answer), test::servfail);
}

TEST_F(UdpWorkerTest, DeadlineIsServfail) {
    serve("127.0.0.1");
    Client early = Client::udp(server);
    Client late = Client::udp(server);
    ask_sleeping(early, "ready.jit.example", 1);
    clock.advance(milliseconds(1));
    ask_sleeping(late, "ready.jit.example", 2);
    clock.advance(park_time - milliseconds(1));
    worker->step(0);
    EXPECT_EQ(test::rcode(early.receive()), test::servfail);
    EXPECT_TRUE(late.silent());
    say(state("ready", Phase::ready));
    EXPECT_EQ(test::rcode(late.receive()), test::noerror);
}

TEST_F(UdpWorkerTest, DeadlineIsTheAddressWherePacketsAreHeld) {
    serve("127.0.0.1");
    services.states()[1].holds_packets = true;
    Client client = Client::udp(server);
    ask_sleeping(client, "ready.jit.example", 1);
    say(state("ready", Phase::building));
    clock.advance(park_time);
    worker->step(0);
    EXPECT_EQ(test::answer_count(client.receive()), 1);
    client.send(query("ready.jit.example", test::type_a, 2));
    step();
    EXPECT_TRUE(client.silent()) << "waits like the first";
    say(state("ready", Phase::failed, service::WakeFailure::domain_limit, 1000));
    EXPECT_EQ(test::rcode(client.receive()), test::servfail);
}

TEST_F(UdpWorkerTest, AsksAgainWhenAWakeCameToNothing) {
    serve("127.0.0.1");
    Client client = Client::udp(server);
    ask_sleeping(client, "booting.jit.example");
    say(state("booting", Phase::building));
    vmm.hear();
    say(state("booting", Phase::asleep));
    services.take_wanted();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::rcode(client.receive()), test::noerror);
}

TEST_F(UdpWorkerTest, CountsQueriesThatCannotWait) {
    serve("127.0.0.1");
    constexpr std::size_t room = ParkedQueries::default_capacity / 2;  // of one service
    std::vector<Client> clients;
    for (std::size_t i = 0; i < room + 3; ++i) {
        clients.push_back(Client::udp(server));
        clients.back().send(query("ready.jit.example"));
        step();
    }
    EXPECT_EQ(worker->overflows(), 3u);
    services.take_wanted();
    say(state("ready", Phase::ready));
    for (std::size_t i = 0; i < room; ++i)
        EXPECT_EQ(test::rcode(clients[i].receive()), test::noerror);
    for (std::size_t i = room; i < clients.size(); ++i)
        EXPECT_TRUE(clients[i].silent());
}

// A client whose socket is not connected sees which address the answer comes from.
void expect_answer_from(const base::Endpoint& asked, UdpWorker& worker) {
    const base::UniqueFd client(
        ::socket(asked.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval patience{10, 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto [to, size] = to_socket_address(asked);
    const Bytes message = query("static.jit.example", test::type_txt);
    ASSERT_GT(::sendto(client.get(), message.data(), message.size(), 0, &to.any, size), 0);
    worker.step(10'000);
    SocketAddress from{};
    socklen_t from_size = sizeof from;
    std::uint8_t answer[512];
    ASSERT_GT(::recvfrom(client.get(), answer, sizeof answer, 0, &from.any, &from_size), 0);
    EXPECT_EQ(to_endpoint(from), asked);
}

TEST_F(UdpWorkerTest, WildcardAnswersFromTheAddressAsked) {
    serve("0.0.0.0");
    expect_answer_from(endpoint("127.0.0.5", server.port), *worker);
    expect_answer_from(endpoint("127.0.0.1", server.port), *worker);
}

TEST_F(UdpWorkerTest, Ipv6WildcardAnswersFromTheAddressAsked) {
    serve("::");
    expect_answer_from(endpoint("::1", server.port), *worker);
}

TEST_F(UdpWorkerTest, WildcardAnswersParkedQueriesFromTheAddressAsked) {
    serve("0.0.0.0");
    Client client =
        Client::udp(endpoint("127.0.0.5", server.port));  // takes answers from there only
    ask_sleeping(client, "booting.jit.example");
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::rcode(client.receive()), test::noerror);
}

TEST_F(UdpWorkerTest, DrainLeavesNewQueriesToTheNextFront) {
    serve("127.0.0.1");
    std::vector<base::UniqueFd> shared;
    shared.emplace_back(::dup(socket));  // the same socket, as another process would have it
    auto next = UdpWorker::make(std::move(shared), test::example_zones(), services, clock).value();

    Client waiting = Client::udp(server);
    ask_sleeping(waiting, "booting.jit.example");
    worker->drain();
    EXPECT_TRUE(worker->step(10'000)) << "somebody waits";
    Client late = Client::udp(server);
    late.send(query("static.jit.example", test::type_txt));
    EXPECT_TRUE(worker->step(0));
    EXPECT_TRUE(late.silent());
    next->step(10'000);
    EXPECT_EQ(test::rcode(late.receive()), test::noerror);

    vmm.say(state("booting", Phase::booting));
    services.receive();
    EXPECT_FALSE(worker->step(10'000)) << "all are served";
    EXPECT_EQ(test::rcode(waiting.receive()), test::noerror);
}

TEST_F(UdpWorkerTest, StopEndsAtOnce) {
    serve("127.0.0.1");
    Client waiting = Client::udp(server);
    ask_sleeping(waiting, "booting.jit.example");
    worker->stop();
    EXPECT_FALSE(worker->step(10'000));
}

// A query with a COOKIE option and no question (RFC 7873 §5.4) asks whether the cookie is right.
TEST_F(UdpWorkerTest, CookiesHoldForTheClient) {
    settings.cookie_secret.emplace();
    serve("127.0.0.1");
    Client client = Client::udp(server);
    const auto ask = [&](const Bytes& cookie) {
        Bytes message{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0};
        const auto size = static_cast<std::uint8_t>(cookie.size());
        message.insert(message.end(), {static_cast<std::uint8_t>(size + 4), 0, 10, 0, size});
        message.insert(message.end(), cookie.begin(), cookie.end());
        client.send(message);
        step();
        return client.receive();
    };
    const Bytes learned = ask(Bytes(8, 'c'));
    ASSERT_EQ(learned.size(), 12U + 11 + 4 + 24);
    EXPECT_EQ(test::rcode(learned), test::noerror);
    Bytes cookie(learned.end() - 24, learned.end());
    EXPECT_EQ(test::rcode(ask(cookie)), test::noerror);
    cookie.back() ^= 1;
    EXPECT_EQ(test::rcode(ask(cookie)), 23 & 0xf);  // BADCOOKIE
}

}  // namespace
}  // namespace summond::net
