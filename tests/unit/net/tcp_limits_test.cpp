// How long a TCP connection may last, and how many there may be.
#include <gmock/gmock.h>

#include "tcp_fixture.hpp"

namespace summond::net {
namespace {

using service::Phase;
using std::chrono::seconds;
using test::Bytes;
using test::Client;
using test::framed;
using test::query;
using test::state;

using TcpLimitsTest = TcpFixture;

TEST_F(TcpLimitsTest, IdleConnectionsEnd) {
    serve();
    Client client = Client::tcp(address);
    client.send(static_query);
    answer(client);
    await_connections(1);
    advance(seconds(9));
    EXPECT_EQ(server->connection_count(), 1u);
    client.send(static_query);
    answer(client);
    await_connections(1);
    advance(seconds(9));
    EXPECT_EQ(server->connection_count(), 1u) << "it was not idle";
    advance(seconds(1));
    EXPECT_EQ(server->connection_count(), 0u);
    EXPECT_TRUE(ended(client));
}

TEST_F(TcpLimitsTest, OldConnectionsEnd) {
    serve({.total = seconds(60)});
    Client client = Client::tcp(address);
    Client waiting = Client::tcp(address);
    await_connections(2);
    for (int i = 0; i < 59; ++i) {
        client.send(static_query);
        answer(client);
        waiting.send(static_query);
        answer(waiting);
        advance(seconds(1));
    }
    EXPECT_EQ(server->connection_count(), 2u);
    waiting.send(framed(query("booting.jit.example", test::type_a, 3)));
    await_connections(2);
    services.take_wanted();
    advance(seconds(1));
    EXPECT_TRUE(ended(client));
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::id(answer(waiting)), 3) << "what has been asked is answered";
    EXPECT_TRUE(ended(waiting));
}

TEST_F(TcpLimitsTest, OldConnectionsOfClientsThatNeverPauseEnd) {
    serve({.total = seconds(60)});
    Client client = Client::tcp(address);
    for (int i = 0; i < 70; ++i) {
        client.send(framed(query("booting.jit.example", test::type_a, 3)));
        await_connections(1);
        services.take_wanted();
        advance(seconds(1));
    }
    EXPECT_EQ(server->connection_count(), 0u);
}

TEST_F(TcpLimitsTest, KeepaliveSaysHowLongAConnectionMayBeIdle) {
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
        await_connections(2);
        EXPECT_EQ(idle_timeout(client), 0) << "the last place is taken";
    }
    await_connections(1);
    EXPECT_EQ(idle_timeout(client), 100);
    server->drain([] {});
    EXPECT_EQ(idle_timeout(client), 0);
}

TEST_F(TcpLimitsTest, SlowSendersEnd) {
    serve();
    Client client = Client::tcp(address);
    await_connections(1);
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(server->connection_count(), 1u);
        client.send({static_query[i]});
        await_connections(1);
        advance(seconds(1));
    }
    EXPECT_EQ(server->connection_count(), 0u) << "bytes that make no query do not count";
}

TEST_F(TcpLimitsTest, ConnectionsPerSource) {
    TcpLimits limits;
    limits.connections_per_source = 2;
    serve(limits);
    Client first = Client::tcp(address);
    await_connections(1);
    Client second = Client::tcp(address);
    await_connections(2);
    first.send(static_query);
    answer(first);
    Client third = Client::tcp(address);
    EXPECT_TRUE(ended(second)) << "idle for longer than the first";
    for (Client* client : {&first, &third}) {
        client->send(framed(query("ready.jit.example", test::type_a, 1)));
        await_connections(2);
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

TEST_F(TcpLimitsTest, HundredConnectionsOfOneSourceAreServed) {
    serve();
    std::vector<Client> clients;
    for (int i = 0; i < 100; ++i) {
        clients.push_back(Client::tcp(address));
        clients.back().send(static_query);
        EXPECT_EQ(test::rcode(answer(clients.back())), test::noerror);
    }
    await_connections(64);
    EXPECT_TRUE(ended(clients[35]));
    clients[36].send(static_query);
    EXPECT_EQ(test::rcode(answer(clients[36])), test::noerror);
}

TEST_F(TcpLimitsTest, ExemptNetworksMayHaveMore) {
    TcpLimits limits;
    limits.connections_per_source = 1;
    limits.exempt = {{base::IpAddress::v4({127, 0, 0, 0}), 8}};
    serve(limits);
    Client first = Client::tcp(address);
    Client second = Client::tcp(address);
    Client third = Client::tcp(address);
    await_connections(3);
    for (Client* client : {&first, &second, &third}) {
        client->send(static_query);
        EXPECT_EQ(test::rcode(answer(*client)), test::noerror);
    }
}

TEST_F(TcpLimitsTest, IdlestConnectionMakesRoom) {
    TcpLimits limits;
    limits.connections = 2;
    serve(limits);
    Client first = Client::tcp(address);
    await_connections(1);
    Client second = Client::tcp(address);
    await_connections(2);
    first.send(static_query);
    answer(first);
    Client third = Client::tcp(address);
    EXPECT_TRUE(ended(second)) << "idle for longer than the first";
    third.send(static_query);
    EXPECT_EQ(test::rcode(answer(third)), test::noerror);
    first.send(static_query);
    EXPECT_EQ(test::rcode(answer(first)), test::noerror);
}

TEST_F(TcpLimitsTest, BusyConnectionsDoNotMakeRoom) {
    TcpLimits limits;
    limits.connections = 1;
    serve(limits);
    Client first = Client::tcp(address);
    first.send(framed(query("ready.jit.example", test::type_a, 1)));
    await_connections(1);
    Client second = Client::tcp(address);
    EXPECT_TRUE(ended(second));
    services.take_wanted();
    say(state("ready", Phase::ready));
    EXPECT_EQ(test::rcode(answer(first)), test::noerror);
}

}  // namespace
}  // namespace summond::net
