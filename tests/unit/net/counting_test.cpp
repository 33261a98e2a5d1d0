// Each query is counted once, as what it was and what became of it, over real sockets on loopback.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "parked.hpp"
#include "socket_address.hpp"
#include "summond/metrics/front_counters.hpp"
#include "tcp_fixture.hpp"
#include "udp_fixture.hpp"

namespace summond::net {
namespace {

using namespace std::chrono_literals;
using metrics::DnsCounters;
using service::Phase;
using test::Bytes;
using test::Client;
using test::query;
using test::state;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using Named = std::map<std::string, std::uint64_t>;

std::string type_name(std::size_t label) {
    if (label == metrics::no_type)
        return "none";
    return label == metrics::other_type ? "other" : std::string(metrics::query_types[label].name);
}

// Those that are not 0.
Named answered(const DnsCounters& counters) {
    Named result;
    for (std::size_t type = 0; type < metrics::type_labels; ++type)
        for (std::size_t rcode = 0; rcode < metrics::rcode_limit; ++rcode)
            if (const auto n = counters.answered[type][rcode].get(); n > 0)
                result[type_name(type) + " " + std::to_string(rcode)] = n;
    return result;
}

template <std::size_t N>
Named by_type(const metrics::Counter (&counters)[N]) {
    Named result;
    for (std::size_t i = 0; i < N; ++i)
        if (counters[i].get() > 0)
            result[type_name(i)] = counters[i].get();
    return result;
}

template <std::size_t N>
std::vector<std::uint64_t> values(const metrics::Counter (&counters)[N]) {
    std::vector<std::uint64_t> result;
    for (const metrics::Counter& counter : counters)
        result.push_back(counter.get());
    return result;
}

std::uint64_t waited(const DnsCounters& counters, std::size_t bucket) {
    return counters.waited.bucket(bucket);
}

// OPT with this, at the end of a query without EDNS.
Bytes with_edns(Bytes message, bool dnssec_ok, const Bytes& cookie = {}) {
    message[11] = 1;
    const std::size_t size = cookie.empty() ? 0 : cookie.size() + 4;
    message.insert(message.end(), {0, 0, 41, 4, 0xd0, 0, 0, std::uint8_t(dnssec_ok ? 0x80 : 0), 0,
                                   0, static_cast<std::uint8_t>(size)});
    if (!cookie.empty()) {
        message.insert(message.end(), {0, 10, 0, static_cast<std::uint8_t>(cookie.size())});
        message.insert(message.end(), cookie.begin(), cookie.end());
    }
    return message;
}

const Bytes static_txt = query("static.jit.example", test::type_txt);

class UdpCounting : public UdpFixture {
  protected:
    void send(const Bytes& message) {
        client.emplace_back(Client::udp(server)).send(message);
        step();
    }
    Bytes ask(const Bytes& message) {
        send(message);
        return client.back().receive();
    }
    std::vector<Client> client;
};

TEST_F(UdpCounting, TypesAndRcodes) {
    serve("127.0.0.1");
    for (int i = 0; i < 3; ++i)
        ask(static_txt);
    ask(query("nothing.jit.example"));
    ask(query("nothing.jit.example", 28));
    ask(query("elsewhere.example", 65280));
    ask(query("static.jit.example", 257));
    ask(Bytes(12, 0));  // no question
    EXPECT_THAT(answered(*counted),
                UnorderedElementsAre(Pair("TXT 0", 3), Pair("A 3", 1), Pair("AAAA 3", 1),
                                     Pair("other 5", 1), Pair("CAA 0", 1), Pair("none 1", 1)));
    EXPECT_THAT(values(counted->received), testing::ElementsAre(8, 0));
    EXPECT_EQ(counted->unsent.get(), 0U);
}

TEST_F(UdpCounting, WhatIsNoQuery) {
    serve("127.0.0.1");
    Bytes response = static_txt;
    response[2] |= 0x80;
    send(response);
    send(Bytes(5, 0));
    EXPECT_THAT(values(counted->unanswered), testing::ElementsAre(2, 0, 0));
    EXPECT_THAT(answered(*counted), IsEmpty());
    EXPECT_EQ(counted->received_bytes.get(), response.size() + 5);
}

TEST_F(UdpCounting, FamiliesAndOctets) {
    serve("::1");
    const Bytes answer = ask(static_txt);
    EXPECT_THAT(values(counted->received), testing::ElementsAre(0, 1));
    EXPECT_EQ(counted->received_bytes.get(), static_txt.size());
    EXPECT_EQ(counted->sent_bytes.get(), answer.size());
}

TEST_F(UdpCounting, EdnsAndCookies) {
    settings.cookie_secret.emplace();
    serve("127.0.0.1");
    ask(static_txt);
    ask(with_edns(static_txt, false));
    ask(with_edns(static_txt, true));
    const Bytes answer = ask(with_edns(static_txt, false, Bytes(8, 'c')));
    const Bytes cookie(answer.end() - 24, answer.end());
    for (int i = 0; i < 2; ++i)
        ask(with_edns(static_txt, false, cookie));
    ask(with_edns(static_txt, false, Bytes(24, 'c')));
    ask(with_edns(static_txt, false, Bytes(3, 'c')));
    EXPECT_EQ(counted->edns.get(), 7U);
    EXPECT_EQ(counted->dnssec_ok.get(), 1U);
    EXPECT_THAT(values(counted->cookies), testing::ElementsAre(0, 1, 2, 1, 1));
    EXPECT_THAT(answered(*counted), UnorderedElementsAre(Pair("TXT 0", 7), Pair("TXT 1", 1)));
    Bytes version_1 = with_edns(static_txt, false);
    version_1[version_1.size() - 5] = 1;
    ask(version_1);
    EXPECT_EQ(answered(*counted)["TXT 16"], 1U);
}

TEST_F(UdpCounting, ParkedQueriesAndHowLongTheyWaited) {
    serve("127.0.0.1");
    send(query("booting.jit.example", test::type_a, 1));
    send(query("ready.jit.example", test::type_a, 2));
    client.back().send(query("ready.jit.example", test::type_a, 2));  // again
    step();
    services.take_wanted();
    EXPECT_THAT(by_type(counted->parked), UnorderedElementsAre(Pair("A", 2)));
    EXPECT_THAT(by_type(counted->dropped), UnorderedElementsAre(Pair("A", 1)));
    EXPECT_THAT(values(counted->unanswered), testing::ElementsAre(0, 0, 1));
    EXPECT_EQ(parked.get(), 2U);
    clock.advance(40ms);
    say(state("booting", Phase::booting));
    EXPECT_EQ(test::rcode(client[0].receive()), test::noerror);
    EXPECT_EQ(parked.get(), 1U);
    clock.advance(park_time);
    worker->step(0);
    EXPECT_EQ(test::rcode(client[1].receive()), test::servfail);
    EXPECT_EQ(parked.get(), 0U);
    EXPECT_EQ(counted->late[0].get(), 1U);
    EXPECT_EQ(counted->late[2].get(), 1U);
    EXPECT_EQ(waited(*counted, 5), 1U);   // 25 to 50 ms
    EXPECT_EQ(waited(*counted, 13), 1U);  // 10 to 25 s
    EXPECT_EQ(counted->waited.sum_us(), 10'080'000U);
    EXPECT_THAT(answered(*counted), IsEmpty());
}

TEST_F(UdpCounting, ThereIsNoRoomForAllToWait) {
    serve("127.0.0.1");
    for (std::uint16_t i = 0; i < 1024; ++i)
        send(query("ready.jit.example", test::type_a, i));
    EXPECT_THAT(by_type(counted->parked), UnorderedElementsAre(Pair("A", 512)));
    EXPECT_THAT(by_type(counted->dropped), UnorderedElementsAre(Pair("A", 512)));
    EXPECT_THAT(values(counted->unanswered), testing::ElementsAre(0, 512, 0));
    EXPECT_EQ(worker->overflows(), 512U);
}

TEST_F(UdpCounting, LimitedResponsesAreCountedAsWhatIsSent) {
    config::RateLimit limit;
    limit.responses_per_second = 2;
    limit.slip = 2;
    limit.exempt.clear();
    RateLimiter::Seed seed;
    std::ranges::generate(seed, std::mt19937_64(1));
    settings.cookie_secret.emplace();
    serve("127.0.0.1", std::make_unique<RateLimiter>(limit, 1, seed));
    for (int i = 0; i < 6; ++i)  // 2 answered, then truncated and dropped in turn
        send(static_txt);
    EXPECT_THAT(answered(*counted), UnorderedElementsAre(Pair("TXT 0", 4)));
    EXPECT_THAT(by_type(counted->dropped), UnorderedElementsAre(Pair("TXT", 2)));
    EXPECT_THAT(values(counted->challenged), testing::ElementsAre(2, 0, 0, 0));
    EXPECT_THAT(values(counted->limited), testing::ElementsAre(2, 0, 0, 0));
    EXPECT_EQ(counted->truncated.get(), 2U);
    send(with_edns(static_txt, false, Bytes(8, 'c')));
    EXPECT_EQ(answered(*counted)["TXT 23"], 1U);
}

TEST_F(UdpCounting, WhoCannotBeReached) {
    serve("127.0.0.1");
    const base::UniqueFd raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!raw)
        GTEST_SKIP() << "needs CAP_NET_RAW";
    // From port 0, to which the kernel sends nothing.
    udphdr header{};
    header.dest = htons(server.port);
    header.len = htons(static_cast<std::uint16_t>(sizeof header + static_txt.size()));
    Bytes datagram(sizeof header);
    std::memcpy(datagram.data(), &header, sizeof header);
    datagram.insert(datagram.end(), static_txt.begin(), static_txt.end());
    const auto [address, size] = to_socket_address(server);
    ASSERT_EQ(::sendto(raw.get(), datagram.data(), datagram.size(), 0, &address.any, size),
              static_cast<ssize_t>(datagram.size()));
    step();
    EXPECT_THAT(answered(*counted), UnorderedElementsAre(Pair("TXT 0", 1)));
    EXPECT_EQ(counted->unsent.get(), 1U);
}

using TcpCounting = TcpFixture;

TEST_F(TcpCounting, QueriesOfAConnection) {
    serve();
    Client client = Client::tcp(address);
    for (int i = 0; i < 3; ++i)
        client.send(static_query);
    Bytes answer;
    for (int i = 0; i < 3; ++i)
        answer = this->answer(client);
    client.send(test::framed(query("booting.jit.example", test::type_a, 9)));
    run_until([&] { return parked.get() == 1; });
    EXPECT_THAT(by_type(counted->parked), UnorderedElementsAre(Pair("A", 1)));
    services.take_wanted();
    clock.advance(3ms);
    say(state("booting", Phase::booting));
    const Bytes late = this->answer(client);
    EXPECT_EQ(parked.get(), 0U);
    EXPECT_EQ(sessions.get(), 1U);
    EXPECT_EQ(counted->opened.get(), 1U);
    EXPECT_THAT(answered(*counted), UnorderedElementsAre(Pair("TXT 0", 3)));
    EXPECT_EQ(counted->late[0].get(), 1U);
    EXPECT_EQ(waited(*counted, 2), 1U);
    EXPECT_THAT(values(counted->received), testing::ElementsAre(4, 0));
    EXPECT_EQ(counted->sent_bytes.get(), 3 * answer.size() + late.size());
}

TEST_F(TcpCounting, ConnectionsBeyondTheLimits) {
    serve({.connections = 2, .connections_per_source = 1});
    Client busy = Client::tcp(address);
    busy.send(test::framed(query("ready.jit.example")));
    run_until([&] { return parked.get() == 1; });
    Client refused = Client::tcp(address);
    EXPECT_TRUE(ended(refused));
    EXPECT_EQ(counted->opened.get(), 1U);
    EXPECT_THAT(values(counted->refused), testing::ElementsAre(0, 1));
    busy.shut_down_sending();
    say(state("ready", Phase::ready));
    answer(busy);
    run_until([&] { return sessions.get() == 0; });
    Client idle = Client::tcp(address);
    await_connections(1);
    Client next = Client::tcp(address);
    EXPECT_TRUE(ended(idle));
    EXPECT_EQ(counted->evicted.get(), 1U);
    EXPECT_EQ(counted->opened.get(), 3U);
}

TEST_F(TcpCounting, WhoGoesAwayWaitsNoMore) {
    serve();
    {
        Client client = Client::tcp(address);
        client.send(test::framed(query("ready.jit.example")));
        run_until([&] { return parked.get() == 1; });
        linger linger{1, 0};
        ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    run_until([&] { return sessions.get() == 0; });
    EXPECT_EQ(parked.get(), 0U);
}

}  // namespace
}  // namespace summond::net
