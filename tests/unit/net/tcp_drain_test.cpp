// A TCP server at the end of its front, and at the beginning of the next one.
#include <gmock/gmock.h>

#include "tcp_fixture.hpp"

namespace summond::net {
namespace {

using service::Phase;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Bytes;
using test::Client;
using test::endpoint;
using test::framed;
using test::query;
using test::state;

using TcpDrainTest = TcpFixture;

TEST_F(TcpDrainTest, DrainServesWhatWasAsked) {
    serve();
    Client idle = Client::tcp(address);
    idle.send(static_query);
    answer(idle);
    Client fresh = Client::tcp(address);
    Client waiting = Client::tcp(address);
    waiting.send(framed(query("booting.jit.example", test::type_a, 3)));
    await_connections(3);
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
TEST_F(TcpDrainTest, DrainHandsConnectionsOver) {
    serve();
    Client idle = Client::tcp(address);
    idle.send(static_query);
    answer(idle);
    Client waiting = Client::tcp(address);
    waiting.send(framed(query("booting.jit.example", test::type_a, 3)));
    Client halfway = Client::tcp(address);
    halfway.send({static_query.begin(), static_query.begin() + 1});
    await_connections(3);
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

TEST_F(TcpDrainTest, ListensOnlyWhenTheSocketDoes) {
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

TEST_F(TcpDrainTest, DrainDoesNotWaitForClientsThatDoNotClose) {
    serve();
    Client client = Client::tcp(address);
    await_connections(1);
    bool drained = false;
    server->drain([&] { drained = true; });
    advance(seconds(1));  // nothing asked: we are done with it
    EXPECT_TRUE(ended(client));
    advance(seconds(2));
    EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace summond::net
