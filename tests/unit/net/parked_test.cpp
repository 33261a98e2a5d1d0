#include "parked.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "net_fixture.hpp"

namespace summond::net {
namespace {

using Added = ParkedQueries::Added;
const base::TimePoint soon{std::chrono::hours(1)};

ParkedQueries::Client client(std::uint16_t port) {
    ParkedQueries::Client client;
    const auto [address, size] = to_socket_address(test::endpoint("127.0.0.1", port));
    client.address = address;
    client.address_size = size;
    return client;
}

TEST(ParkedQueries, KeepsWhatIsNeededToAnswer) {
    ParkedQueries parked(4);
    const auto query = test::query("ready.jit.example");
    ASSERT_EQ(parked.add(client(1000), query, {7}, soon), Added::yes);
    ASSERT_EQ(parked.size(), 1u);
    EXPECT_EQ(parked.awaited(0).service, 7u);
    EXPECT_EQ(parked.deadline(0), soon);
    EXPECT_TRUE(std::ranges::equal(parked.query(0), query));
    EXPECT_EQ(to_endpoint(parked.client(0).address), test::endpoint("127.0.0.1", 1000));
}

TEST(ParkedQueries, SameMessageFromTheSameClientIsKnown) {
    ParkedQueries parked(8);
    const auto query = test::query("ready.jit.example", test::type_a, 1);
    ASSERT_EQ(parked.add(client(1000), query, {7}, soon), Added::yes);
    EXPECT_EQ(parked.add(client(1000), query, {7}, soon + std::chrono::seconds(1)), Added::known);
    EXPECT_EQ(parked.deadline(0), soon);
    EXPECT_EQ(parked.add(client(1001), query, {7}, soon), Added::yes) << "another client";
    EXPECT_EQ(parked.add(client(1000), test::query("ready.jit.example", 28, 1), {7}, soon),
              Added::yes)
        << "another question under the same ID";
}

TEST(ParkedQueries, FullTableTakesNoMore) {
    ParkedQueries parked(4);
    const auto query = test::query("ready.jit.example");
    for (std::uint16_t i = 0; i < 4; ++i)
        ASSERT_EQ(parked.add(client(i), query, {i}, soon), Added::yes);
    EXPECT_EQ(parked.add(client(9), query, {9}, soon), Added::full);
    parked.remove(1);
    EXPECT_EQ(parked.add(client(9), query, {9}, soon), Added::yes);
    EXPECT_EQ(parked.size(), 4u);
}

TEST(ParkedQueries, OneServiceHasHalfOfThePlaces) {
    ParkedQueries parked(4);
    const auto query = test::query("ready.jit.example");
    EXPECT_EQ(parked.add(client(1), query, {7}, soon), Added::yes);
    EXPECT_EQ(parked.add(client(2), query, {7}, soon), Added::yes);
    EXPECT_EQ(parked.add(client(3), query, {7}, soon), Added::full);
    EXPECT_EQ(parked.add(client(3), query, {8}, soon), Added::yes);
}

TEST(ParkedQueries, LongQueriesCannotWait) {
    ParkedQueries parked(4);
    test::Bytes query(max_parked_query, 0);
    EXPECT_EQ(parked.add(client(1), query, {7}, soon), Added::yes);
    query.push_back(0);
    EXPECT_EQ(parked.add(client(1), query, {7}, soon), Added::full);
}

TEST(ParkedQueries, NextDeadlineIsTheEarliest) {
    ParkedQueries parked(4);
    const auto query = test::query("ready.jit.example");
    parked.add(client(1), query, {1}, soon + std::chrono::seconds(1));
    parked.add(client(2), query, {2}, soon);
    parked.add(client(3), query, {3}, soon + std::chrono::seconds(2));
    EXPECT_EQ(parked.next_deadline(), soon);
    parked.remove(1);
    EXPECT_EQ(parked.next_deadline(), soon + std::chrono::seconds(1));
}

}  // namespace
}  // namespace summond::net
