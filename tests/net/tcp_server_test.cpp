// The server with real connections on loopback; its io_context is run by the test, on a clock that
// stands still.

#include "summond/net/tcp_server.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

#include "net_fixture.hpp"
#include "parked.hpp"
#include "summond/net/bind.hpp"

namespace summond::net {
namespace {

using ipc::Phase;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Bytes;
using test::Client;
using test::endpoint;
using test::framed;
using test::query;
using test::service;
using test::state;
using testing::ElementsAre;

class TcpServerTest : public testing::Test {
  protected:
    void serve(const TcpLimits& limits = {}) {
        auto sockets = test::bind(endpoint("127.0.0.1"), 1);
        address = describe(sockets[1].get())->local;
        server = std::make_unique<TcpServer>(io, test::example_zones(), services, clock, limits);
        ASSERT_TRUE(server->listen(std::move(sockets[1])));
    }
    // Runs the server until then; for at most 10 s, so that a failed test ends.
    void run_until(const std::function<bool()>& done) {
        const auto end = std::chrono::steady_clock::now() + seconds(10);
        while (!done()) {
            if (std::chrono::steady_clock::now() > end)
                throw std::runtime_error("what the test waits for does not happen");
            io.restart();
            io.run_one_for(milliseconds(10));
        }
    }
    static bool readable(const Client& client) {
        pollfd p{client.fd(), POLLIN, 0};
        return ::poll(&p, 1, 0) == 1;
    }
    Bytes answer(Client& client) {
        run_until([&] { return client.has_message(); });
        return client.receive();
    }
    bool ended(Client& client) {
        run_until([&] { return readable(client); });
        return client.at_end();
    }
    // All connections that clients have made are known to the server, and all they sent.
    void settle(std::size_t connections) {
        run_until([&] { return server->connection_count() == connections; });
        io.restart();
        while (io.run_one_for(milliseconds(20)) > 0) {
        }
    }
    void say(const ipc::State& what) {
        vmm.say(what);
        ASSERT_TRUE(services.receive());
    }
    void advance(base::Duration by) {
        clock.advance(by);
        server->tick();
    }

    boost::asio::io_context io{1};
    test::FakeClock clock;
    test::FakeVmm vmm;
    std::unique_ptr<TcpServer> server;
    Services services{test::example_settings(), clock, [this] { server->signal(); }};
    base::Endpoint address;

    void SetUp() override { services.connect(vmm.connect()); }
};

const Bytes static_query = framed(query("static.jit.example", test::type_txt, 1));

TEST_F(TcpServerTest, AnswersAndKeepsTheConnection) {
    serve();
    Client client = Client::tcp(address);
    for (int i = 0; i < 3; ++i) {
        client.send(static_query);
        const Bytes message = answer(client);
        EXPECT_EQ(test::rcode(message), test::noerror);
        EXPECT_EQ(test::answer_count(message), 1);
    }
    EXPECT_EQ(server->connection_count(), 1u);
}

TEST_F(TcpServerTest, QueriesInPieces) {
    serve();
    Client client = Client::tcp(address);
    for (const std::uint8_t byte : static_query) {
        client.send({byte});
        io.poll();
    }
    EXPECT_EQ(test::answer_count(answer(client)), 1);
}

TEST_F(TcpServerTest, PipelinedQueriesAreAllAnswered) {
    serve();
    Client client = Client::tcp(address);
    Bytes many;
    for (std::uint16_t i = 0; i < 1000; ++i) {
        const Bytes one = framed(query("static.jit.example", test::type_txt, i));
        many.insert(many.end(), one.begin(), one.end());
    }
    client.send(many);
    for (std::uint16_t i = 0; i < 1000; ++i)
        EXPECT_EQ(test::id(answer(client)), i);
}

TEST_F(TcpServerTest, LargeQueriesAreTaken) {
    serve();
    Client client = Client::tcp(address);
    const Bytes large = framed(query("static.jit.example", test::type_txt, 5, 60'000));
    Bytes both = large;
    both.insert(both.end(), static_query.begin(), static_query.end());
    client.send(both);
    EXPECT_EQ(test::id(answer(client)), 5);
    EXPECT_EQ(test::id(answer(client)), 1);
}

TEST_F(TcpServerTest, FrameTooShortForAMessageEndsTheConnection) {
    serve();
    Client client = Client::tcp(address);
    client.send({0, 3, 1, 2, 3});
    EXPECT_TRUE(ended(client));
    settle(0);
}

TEST_F(TcpServerTest, ParkedQueryDoesNotHoldUpOthers) {
    serve();
    Client client = Client::tcp(address);
    client.send(framed(query("booting.jit.example", test::type_a, 1)));
    client.send(framed(query("static.jit.example", test::type_txt, 2)));
    EXPECT_EQ(test::id(answer(client)), 2);
    services.take_wanted();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
    say(state("booting", Phase::booting));
    const Bytes late = answer(client);
    EXPECT_EQ(test::id(late), 1);
    EXPECT_EQ(test::rcode(late), test::noerror);
    EXPECT_EQ(test::answer_count(late), 1);
}

TEST_F(TcpServerTest, FailureIsServfail) {
    serve();
    Client client = Client::tcp(address);
    client.send(framed(query("booting.jit.example")));
    settle(1);
    services.take_wanted();
    say(state("booting", Phase::failed, service::WakeFailure::no_kernel, 1000));
    EXPECT_EQ(test::rcode(answer(client)), test::servfail);
}

TEST_F(TcpServerTest, DeadlineIsServfail) {
    serve();
    Client client = Client::tcp(address);
    client.send(framed(query("ready.jit.example")));
    settle(1);
    advance(park_time - milliseconds(1));
    io.poll();
    EXPECT_FALSE(readable(client));
    advance(milliseconds(1));
    EXPECT_EQ(test::rcode(answer(client)), test::servfail);
}

TEST_F(TcpServerTest, DeadlineIsTheAddressWherePacketsAreHeld) {
    serve();
    services.states()[1].holds_packets = true;
    Client client = Client::tcp(address);
    client.send(framed(query("ready.jit.example")));
    settle(1);
    advance(park_time);
    EXPECT_EQ(test::answer_count(answer(client)), 1);
    client.send(framed(query("ready.jit.example")));
    settle(1);
    EXPECT_FALSE(readable(client)) << "waits like the first";
}

TEST_F(TcpServerTest, TooManyOrTooLongParkedQueriesAreServfail) {
    TcpLimits limits;
    limits.parked = 1;
    serve(limits);
    Client client = Client::tcp(address);
    client.send(framed(query("ready.jit.example", test::type_a, 1)));
    client.send(framed(query("ready.jit.example", test::type_a, 2)));
    Bytes message = answer(client);
    EXPECT_EQ(test::id(message), 2);
    EXPECT_EQ(test::rcode(message), test::servfail);

    Client other = Client::tcp(address);
    other.send(framed(query("ready.jit.example", test::type_a, 3, max_parked_query)));
    EXPECT_EQ(test::rcode(answer(other)), test::servfail);
}

TEST_F(TcpServerTest, HalfClosedClientsGetTheirAnswers) {
    serve();
    Client client = Client::tcp(address);
    client.send(static_query);
    client.send(framed(query("booting.jit.example", test::type_a, 2)));
    client.shut_down_sending();
    EXPECT_EQ(test::id(answer(client)), 1);
    services.take_wanted();
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::id(answer(client)), 2);
    EXPECT_TRUE(ended(client));
    settle(0);
}

TEST_F(TcpServerTest, IdleConnectionsEnd) {
    serve();
    Client client = Client::tcp(address);
    client.send(static_query);
    answer(client);
    settle(1);
    advance(seconds(9));
    EXPECT_EQ(server->connection_count(), 1u);
    client.send(static_query);
    answer(client);
    settle(1);
    advance(seconds(9));
    EXPECT_EQ(server->connection_count(), 1u) << "it was not idle";
    advance(seconds(1));
    EXPECT_EQ(server->connection_count(), 0u);
    EXPECT_TRUE(ended(client));
}

TEST_F(TcpServerTest, OldConnectionsEnd) {
    serve({.total = seconds(60)});
    Client client = Client::tcp(address);
    Client waiting = Client::tcp(address);
    settle(2);
    for (int i = 0; i < 59; ++i) {
        client.send(static_query);
        answer(client);
        waiting.send(static_query);
        answer(waiting);
        advance(seconds(1));
    }
    EXPECT_EQ(server->connection_count(), 2u);
    waiting.send(framed(query("booting.jit.example", test::type_a, 3)));
    settle(2);
    services.take_wanted();
    advance(seconds(1));
    EXPECT_TRUE(ended(client));
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::id(answer(waiting)), 3) << "what has been asked is answered";
    EXPECT_TRUE(ended(waiting));
}

TEST_F(TcpServerTest, OldConnectionsOfClientsThatNeverPauseEnd) {
    serve({.total = seconds(60)});
    Client client = Client::tcp(address);
    for (int i = 0; i < 70; ++i) {
        client.send(framed(query("booting.jit.example", test::type_a, 3)));
        settle(1);
        services.take_wanted();
        advance(seconds(1));
    }
    EXPECT_EQ(server->connection_count(), 0u);
}

TEST_F(TcpServerTest, KeepaliveSaysHowLongAConnectionMayBeIdle) {
    serve({.connections = 2});
    // Its idle time in 100 ms (RFC 7828 §3.1), at the end of the answer.
    Bytes asking = query("static.jit.example", test::type_txt, 1, 1);
    asking.resize(asking.size() - 1);
    asking[asking.size() - 3] = 11;
    asking[asking.size() - 1] = 0;
    asking[asking.size() - 5] = 4;
    const auto idle_timeout = [&](Client& client) {
        client.send(framed(asking));
        const Bytes got = answer(client);
        EXPECT_EQ(got[got.size() - 5], 11);
        return got[got.size() - 2] << 8 | got[got.size() - 1];
    };
    Client client = Client::tcp(address);
    EXPECT_EQ(idle_timeout(client), 100);
    {
        Client other = Client::tcp(address);
        settle(2);
        EXPECT_EQ(idle_timeout(client), 0) << "the last place is taken";
    }
    settle(1);
    EXPECT_EQ(idle_timeout(client), 100);
    server->drain([] {});
    EXPECT_EQ(idle_timeout(client), 0);
}

TEST_F(TcpServerTest, SlowSendersEnd) {
    serve();
    Client client = Client::tcp(address);
    settle(1);
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(server->connection_count(), 1u);
        client.send({static_query[i]});
        settle(1);
        advance(seconds(1));
    }
    EXPECT_EQ(server->connection_count(), 0u) << "bytes that make no query do not count";
}

TEST_F(TcpServerTest, ClientThatDoesNotReadIsNotReadFrom) {
    TcpLimits limits;
    limits.backlog = 4096;
    serve(limits);
    Client client = Client::tcp(address);
    // As much as the kernel takes; answers are larger than queries, and nobody reads them.
    Bytes many;
    for (int i = 0; i < 1000; ++i)
        many.insert(many.end(), static_query.begin(), static_query.end());
    std::size_t sent = 0;
    bool stuck = false;
    while (!stuck && sent < std::size_t{64} << 20) {
        const ssize_t r = ::send(client.fd(), many.data() + sent % many.size(),
                                 many.size() - sent % many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (r > 0) {
            sent += static_cast<std::size_t>(r);
        } else {
            io.restart();
            stuck = io.run_one_for(milliseconds(200)) == 0;
        }
    }
    ASSERT_TRUE(stuck);
    // It goes on where the client reads again; every query is answered.
    const std::size_t whole = sent / static_query.size();
    for (std::size_t i = 0; i < whole; ++i)
        ASSERT_EQ(test::id(answer(client)), 1) << i << " of " << whole;
    // And it is closed when it never does.
    Client lazy = Client::tcp(address);
    settle(2);
    while (::send(lazy.fd(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        io.restart();
        while (io.run_one_for(milliseconds(20)) > 0) {
        }
    }
    advance(seconds(10));
    settle(0);
}

TEST_F(TcpServerTest, ConnectionsPerSource) {
    TcpLimits limits;
    limits.connections_per_source = 2;
    serve(limits);
    Client first = Client::tcp(address);
    settle(1);
    Client second = Client::tcp(address);
    settle(2);
    first.send(static_query);
    answer(first);
    Client third = Client::tcp(address);
    EXPECT_TRUE(ended(second)) << "idle for longer than the first";
    for (Client* client : {&first, &third}) {
        client->send(framed(query("ready.jit.example", test::type_a, 1)));
        settle(2);
    }
    Client fourth = Client::tcp(address);
    EXPECT_TRUE(ended(fourth)) << "the others are busy";
    services.take_wanted();
    say(state("ready", Phase::ready));
    answer(first);
    answer(third);
    Client fifth = Client::tcp(address);
    EXPECT_TRUE(ended(first));
    fifth.send(static_query);
    EXPECT_EQ(test::rcode(answer(fifth)), test::noerror);
}

TEST_F(TcpServerTest, HundredConnectionsOfOneSourceAreServed) {
    serve();
    std::vector<Client> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(Client::tcp(address));
        clients.back().send(static_query);
        EXPECT_EQ(test::rcode(answer(clients.back())), test::noerror);
    }
    settle(64);
    EXPECT_TRUE(ended(clients[35]));
    clients[36].send(static_query);
    EXPECT_EQ(test::rcode(answer(clients[36])), test::noerror);
}

TEST_F(TcpServerTest, ExemptNetworksMayHaveMore) {
    TcpLimits limits;
    limits.connections_per_source = 1;
    limits.exempt = {{base::IpAddress::v4({127, 0, 0, 0}), 8}};
    serve(limits);
    Client first = Client::tcp(address);
    Client second = Client::tcp(address);
    Client third = Client::tcp(address);
    settle(3);
    for (Client* client : {&first, &second, &third}) {
        client->send(static_query);
        EXPECT_EQ(test::rcode(answer(*client)), test::noerror);
    }
}

TEST_F(TcpServerTest, IdlestConnectionMakesRoom) {
    TcpLimits limits;
    limits.connections = 2;
    serve(limits);
    Client first = Client::tcp(address);
    settle(1);
    Client second = Client::tcp(address);
    settle(2);
    first.send(static_query);
    answer(first);
    Client third = Client::tcp(address);
    EXPECT_TRUE(ended(second)) << "idle for longer than the first";
    third.send(static_query);
    EXPECT_EQ(test::rcode(answer(third)), test::noerror);
    first.send(static_query);
    EXPECT_EQ(test::rcode(answer(first)), test::noerror);
}

TEST_F(TcpServerTest, BusyConnectionsDoNotMakeRoom) {
    TcpLimits limits;
    limits.connections = 1;
    serve(limits);
    Client first = Client::tcp(address);
    first.send(framed(query("ready.jit.example", test::type_a, 1)));
    settle(1);
    Client second = Client::tcp(address);
    EXPECT_TRUE(ended(second));
    services.take_wanted();
    say(state("ready", Phase::ready));
    EXPECT_EQ(test::rcode(answer(first)), test::noerror);
}

TEST_F(TcpServerTest, DrainServesWhatWasAsked) {
    serve();
    Client idle = Client::tcp(address);
    idle.send(static_query);
    answer(idle);
    Client fresh = Client::tcp(address);
    Client waiting = Client::tcp(address);
    waiting.send(framed(query("booting.jit.example", test::type_a, 3)));
    settle(3);
    services.take_wanted();
    bool drained = false;
    server->drain([&] { drained = true; });
    EXPECT_THROW(Client::tcp(address), std::runtime_error) << "takes no new connections";

    fresh.send(framed(query("static.jit.example", test::type_txt, 4)));
    EXPECT_EQ(test::id(answer(fresh)), 4);
    EXPECT_TRUE(ended(fresh));
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::id(answer(waiting)), 3);
    EXPECT_TRUE(ended(waiting));
    advance(seconds(1));
    EXPECT_TRUE(ended(idle));
    EXPECT_FALSE(drained);
    { Client a = std::move(idle), b = std::move(fresh), c = std::move(waiting); }
    run_until([&] { return drained; });
}

// From one server to another, without loss: what is under way is answered by the first.
TEST_F(TcpServerTest, DrainHandsConnectionsOver) {
    serve();
    Client idle = Client::tcp(address);
    idle.send(static_query);
    answer(idle);
    Client waiting = Client::tcp(address);
    waiting.send(framed(query("booting.jit.example", test::type_a, 3)));
    Client halfway = Client::tcp(address);
    halfway.send({static_query.begin(), static_query.begin() + 1});
    settle(3);
    services.take_wanted();

    TcpServer other(io, test::example_zones(), services, clock);
    bool ready = false;
    bool drained = false;
    server->drain([&] { drained = true; },
                  [&](int fd) {
                      if (ready)
                          other.adopt(base::UniqueFd(::dup(fd)));
                      return ready;
                  });
    io.restart();
    while (io.run_one_for(milliseconds(20)) > 0) {
    }
    EXPECT_EQ(other.connection_count(), 0u) << "does not take them yet";
    idle.send(framed(query("static.jit.example", test::type_txt, 5)));
    ready = true;
    advance(seconds(1));
    EXPECT_EQ(test::id(answer(idle)), 5);
    EXPECT_EQ(other.connection_count(), 1u);

    // The rest of a query, and the next one at once.
    Bytes rest(static_query.begin() + 1, static_query.end());
    const Bytes next = framed(query("static.jit.example", test::type_txt, 6));
    rest.insert(rest.end(), next.begin(), next.end());
    halfway.send(rest);
    EXPECT_EQ(test::id(answer(halfway)), 1);
    EXPECT_EQ(test::id(answer(halfway)), 6);
    run_until([&] { return other.connection_count() == 2; });
    EXPECT_FALSE(drained);

    waiting.send(framed(query("static.jit.example", test::type_txt, 7)));
    EXPECT_EQ(test::id(answer(waiting)), 7) << "while it waits for another";
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::id(answer(waiting)), 3);
    run_until([&] { return drained; });
    EXPECT_EQ(other.connection_count(), 3u);
    waiting.send(framed(query("static.jit.example", test::type_txt, 8)));
    EXPECT_EQ(test::id(answer(waiting)), 8);
    server.reset();
    halfway.send(framed(query("static.jit.example", test::type_txt, 9)));
    EXPECT_EQ(test::id(answer(halfway)), 9);
}

TEST_F(TcpServerTest, ListensOnlyWhenTheSocketDoes) {
    const auto where = describe(test::bind(endpoint("127.0.0.1"), 1)[1].get())->local;
    auto sockets = prepare_endpoint(where, 1, {});
    ASSERT_TRUE(sockets) << sockets.error().what;
    server = std::make_unique<TcpServer>(io, test::example_zones(), services, clock);
    const base::UniqueFd shared(::dup((*sockets)[1].get()));
    ASSERT_TRUE(server->listen(std::move((*sockets)[1])));
    std::size_t handlers = 0;
    while (io.run_one_for(milliseconds(20)) > 0 && handlers < 10)
        ++handlers;
    EXPECT_LT(handlers, 10U) << "waits without doing anything";
    ASSERT_TRUE(open_socket(shared.get(), where));
    server->resume();
    Client client = Client::tcp(where);
    client.send(static_query);
    EXPECT_EQ(test::rcode(answer(client)), test::noerror);
}

TEST_F(TcpServerTest, DrainDoesNotWaitForClientsThatDoNotClose) {
    serve();
    Client client = Client::tcp(address);
    settle(1);
    bool drained = false;
    server->drain([&] { drained = true; });
    advance(seconds(1));  // nothing asked: we are done with it
    EXPECT_TRUE(ended(client));
    advance(seconds(2));
    EXPECT_TRUE(drained);
}

TEST_F(TcpServerTest, ManyConnectionsComeAndGo) {
    serve();
    for (int i = 0; i < 200; ++i) {
        Client client = Client::tcp(address);
        client.send(static_query);
        if (i % 3 != 0) {
            EXPECT_EQ(test::rcode(answer(client)), test::noerror);
        }
    }
    settle(0);
}

}  // namespace
}  // namespace summond::net
