#include "summond/metrics/front_totals.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>

namespace summond::metrics {
namespace {

using namespace std::chrono_literals;

TEST(FrontTotals, AreTheSumsOverWorkersAndFronts) {
    const auto fronts = std::make_unique<FrontCounters[]>(2);
    fronts[0].tcp.opened.add(1);
    fronts[0].udp[0].answered[0][0].add(10);
    fronts[0].udp[max_udp_workers - 1].answered[0][0].add(100);
    fronts[1].udp[3].answered[no_type][rcode_limit - 1].add(7);
    fronts[1].udp[3].waited.add(10s);
    fronts[1].udp[3].evicted.add(9);  // the last of all
    fronts[0].now.udp_parked[63].set(3);
    fronts[1].now.udp_parked[0].set(4);
    fronts[1].now.tcp_sessions.set(5);
    fronts[1].now.tcp_parked.set(6);
    const auto totals = std::make_unique<FrontTotals>();
    totals->add(fronts[0]);
    totals->add(fronts[1]);
    EXPECT_EQ(totals->tcp.opened.get(), 1U);
    EXPECT_EQ(totals->udp.answered[0][0].get(), 110U);
    EXPECT_EQ(totals->udp.answered[no_type][rcode_limit - 1].get(), 7U);
    EXPECT_EQ(totals->udp.waited.sum_us(), 10'000'000U);
    EXPECT_EQ(totals->udp.evicted.get(), 9U);
    EXPECT_EQ(totals->udp_parked, 7U);
    EXPECT_EQ(totals->tcp_sessions, 5U);
    EXPECT_EQ(totals->tcp_parked, 6U);
}

// Values are data: whatever a front has written, sums are taken modulo 2^64.
TEST(FrontTotals, AnyValueMayStandThere) {
    const auto front = std::make_unique<FrontCounters>();
    front->tcp.edns.add(~std::uint64_t{0});
    const auto totals = std::make_unique<FrontTotals>();
    totals->add(*front);
    totals->add(*front);
    EXPECT_EQ(totals->tcp.edns.get(), ~std::uint64_t{1});
}

TEST(QueryTypes, HaveLabelsOfTheirOwn) {
    std::set<std::size_t> labels;
    for (const QueryType& type : query_types)
        labels.insert(label_of(type.type));
    EXPECT_EQ(labels.size(), std::size(query_types));
    for (const unsigned type : {0U, 41U, 250U, 256U, 258U, 65535U})
        EXPECT_EQ(label_of(static_cast<dns::Type>(type)), other_type) << type;
}

TEST(Durations, FallIntoTheBucketWhoseBoundTheyDoNotExceed) {
    Durations durations{};
    for (const auto time : {-1ns, 0ns, 1'000'000ns, 1'001'000ns, 2'500'000ns})
        durations.add(time);
    durations.add(100s);
    durations.add(101s);
    EXPECT_EQ(durations.bucket(0), 3U);
    EXPECT_EQ(durations.bucket(1), 2U);
    EXPECT_EQ(durations.bucket(Durations::buckets - 2), 1U);
    EXPECT_EQ(durations.bucket(Durations::buckets - 1), 1U);
    EXPECT_EQ(durations.sum_us(), 1000U + 1001 + 2500 + 201'000'000);
}

}  // namespace
}  // namespace summond::metrics
