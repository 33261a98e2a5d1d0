// What a UDP worker does for clients that ask too much, over real sockets on loopback.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "udp_fixture.hpp"

namespace summond::net {
namespace {

using namespace std::chrono_literals;
using service::Phase;
using test::Bytes;
using test::Client;
using test::query;
using test::state;

constexpr std::uint8_t badcookie = 23;

// Adds an OPT record with a COOKIE option.
Bytes cookie_added(Bytes query, const Bytes& cookie) {
    query[11] = 1;
    const auto size = static_cast<std::uint8_t>(cookie.size());
    query.insert(query.end(), {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0});
    query.insert(query.end(), {static_cast<std::uint8_t>(size + 4), 0, 10, 0, size});
    query.insert(query.end(), cookie.begin(), cookie.end());
    return query;
}

bool truncated(const Bytes& answer) {
    return answer.size() >= 12 && (answer[2] & 2) != 0;
}

class UdpLimitsTest : public UdpFixture {
  protected:
    void serve(std::uint32_t rate, std::uint32_t slip = 1) {
        config::RateLimit limit;
        limit.responses_per_second = rate;
        limit.slip = slip;
        limit.exempt.clear();
        RateLimiter::Seed seed;
        std::ranges::generate(seed, std::mt19937_64(1));
        UdpFixture::serve("127.0.0.1", std::make_unique<RateLimiter>(limit, 1, seed));
    }
    void send(Client& client, const Bytes& message) {
        client.send(message);
        step();
    }
    Bytes ask(Client& client, const Bytes& message) {
        send(client, message);
        return client.receive();
    }

    const Bytes question = query("static.jit.example", test::type_txt);
};

TEST_F(UdpLimitsTest, TooManyAnswersAreTruncatedOrDropped) {
    serve(2, 2);
    Client client = Client::udp(server);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(test::answer_count(ask(client, question)), 1);
    for (int i = 0; i < 3; ++i) {
        const Bytes slipped = ask(client, question);
        EXPECT_TRUE(truncated(slipped));
        EXPECT_EQ(test::answer_count(slipped), 0);
        EXPECT_EQ(slipped.size(), question.size());
        send(client, question);
        EXPECT_TRUE(client.silent());
    }
    EXPECT_EQ(worker->limiter()->totals().challenged, 3U);
    EXPECT_EQ(worker->limiter()->totals().dropped, 3U);
    clock.advance(500ms);
    EXPECT_EQ(test::answer_count(ask(client, question)), 1);
}

TEST_F(UdpLimitsTest, TheOthersOfABatchAreAnswered) {
    serve(3, 0);
    std::vector<Client> clients;
    for (std::uint16_t i = 0; i < 6; ++i) {
        clients.push_back(Client::udp(server));
        clients.back().send(
            query(i % 2 == 0 ? "static.jit.example" : "nothing.jit.example", test::type_txt, i));
        clients.back().send(query("static.jit.example", test::type_txt, 100));
    }
    worker->step(10'000);
    // Three of each kind, those that came first.
    EXPECT_EQ(test::id(clients[0].receive()), 0);
    EXPECT_EQ(test::id(clients[0].receive()), 100);
    EXPECT_EQ(test::id(clients[1].receive()), 1);
    EXPECT_EQ(test::id(clients[1].receive()), 100);
    EXPECT_EQ(test::id(clients[3].receive()), 3);
    EXPECT_EQ(test::id(clients[5].receive()), 5);
    for (Client& client : clients)
        EXPECT_TRUE(client.silent());
}

TEST_F(UdpLimitsTest, CookiesExemptAClient) {
    settings.cookie_secret.emplace();
    serve(1);
    Client client = Client::udp(server);
    ASSERT_EQ(test::answer_count(ask(client, question)), 1);
    ASSERT_TRUE(truncated(ask(client, question)));
    // A client that takes cookies is given one, rather than sent to TCP.
    const Bytes refused = ask(client, cookie_added(question, Bytes(8, 'c')));
    EXPECT_EQ(test::rcode(refused), badcookie & 0xf);
    EXPECT_FALSE(truncated(refused));
    EXPECT_EQ(refused.size(), cookie_added(question, Bytes(8, 'c')).size() + 16);
    const Bytes cookie(refused.end() - 24, refused.end());
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(test::answer_count(ask(client, cookie_added(question, cookie))), 1);
    EXPECT_TRUE(truncated(ask(client, question))) << "others of its network as before";
}

TEST_F(UdpLimitsTest, AnswersToThoseWhoWaitedCount) {
    serve(3);
    std::vector<Client> clients;
    for (int i = 0; i < 5; ++i) {
        clients.push_back(Client::udp(server));
        send(clients.back(), query("booting.jit.example"));
        EXPECT_TRUE(clients.back().silent());
    }
    services.take_wanted();
    say(state("booting", Phase::booting));
    int whole = 0;
    for (Client& client : clients) {
        const Bytes answer = client.receive();
        EXPECT_EQ(test::answer_count(answer), truncated(answer) ? 0 : 1);
        whole += truncated(answer) ? 0 : 1;
    }
    EXPECT_EQ(whole, 3);
    EXPECT_TRUE(truncated(ask(clients[0], query("booting.jit.example"))));
}

TEST_F(UdpLimitsTest, SoDoThoseThatCameToNothing) {
    serve(1, 0);
    Client first = Client::udp(server);
    Client second = Client::udp(server);
    send(first, query("ready.jit.example"));
    send(second, query("ready.jit.example"));
    clock.advance(1h);
    worker->step(0);
    EXPECT_EQ(test::rcode(first.receive()), test::servfail);
    EXPECT_TRUE(second.silent());
}

}  // namespace
}  // namespace summond::net
