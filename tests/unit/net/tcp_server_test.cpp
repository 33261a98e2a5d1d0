// Queries over TCP: in pieces, pipelined, parked.
#include <gmock/gmock.h>

#include "parked.hpp"
#include "tcp_fixture.hpp"

namespace summond::net {
namespace {

using service::Phase;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Bytes;
using test::Client;
using test::framed;
using test::query;
using test::service;
using test::state;
using testing::ElementsAre;

using TcpServerTest = TcpFixture;

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
    await_connections(0);
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
    await_connections(1);
    services.take_wanted();
    say(state("booting", Phase::failed, service::WakeFailure::no_kernel, 1000));
    EXPECT_EQ(test::rcode(answer(client)), test::servfail);
}

TEST_F(TcpServerTest, DeadlineIsServfail) {
    serve();
    Client client = Client::tcp(address);
    client.send(framed(query("ready.jit.example")));
    await_connections(1);
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
    await_connections(1);
    advance(park_time);
    EXPECT_EQ(test::answer_count(answer(client)), 1);
    client.send(framed(query("ready.jit.example")));
    await_connections(1);
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
    await_connections(0);
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
    await_connections(2);
    while (::send(lazy.fd(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        io.restart();
        while (io.run_one_for(milliseconds(20)) > 0) {
        }
    }
    advance(seconds(10));
    await_connections(0);
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
    await_connections(0);
}

}  // namespace
}  // namespace summond::net
