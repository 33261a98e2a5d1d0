// Deadlines and times of use across restarts, boots and clocks that are set.
#include "times.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace summond::store {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const base::WallTime noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + hours(12);
const Now then{base::TimePoint(hours(5)), noon, "boot-a"};
constexpr Millis hour = 3'600'000;

Now later(base::Duration steady, milliseconds wall, std::string boot = "boot-a") {
    return {then.steady + steady, then.wall + wall, std::move(boot)};
}
Now after_boot(base::Duration uptime, milliseconds wall) {
    return {base::TimePoint(uptime), then.wall + wall, "boot-b"};
}

TEST(Times, InTheSameBootTheClockDoesNotMatter) {
    const Millis wall = to_wall(then.steady + hours(2), then);
    EXPECT_EQ(wall, then.wall.time_since_epoch().count() + 2 * hour);
    for (const auto clock :
         {milliseconds(minutes(30)), milliseconds(hours(-9)), milliseconds(hours(99))})
        EXPECT_EQ(deadline_of(wall, stamp_of(then), later(minutes(30), clock)),
                  then.steady + hours(2));
    EXPECT_EQ(
        past_of(to_wall(then.steady - hours(1), then), stamp_of(then), later(hours(3), hours(-7))),
        then.steady - hours(1));
}

TEST(Times, AfterAnotherBootTheTimeOfDayTells) {
    const Millis wall = to_wall(then.steady + hours(2), then);
    const Now now = after_boot(seconds(40), minutes(30));
    EXPECT_EQ(deadline_of(wall, stamp_of(then), now), now.steady + minutes(90));
    EXPECT_EQ(past_of(to_wall(then.steady - hours(1), then), stamp_of(then), now),
              now.steady - minutes(90));
    EXPECT_EQ(jump_since(stamp_of(then), now), 0);
}

TEST(Times, AClockThatWasSetBackMakesNoDeadlineLonger) {
    const Millis wall = to_wall(then.steady + hours(2), then);
    const Now now = after_boot(seconds(40), hours(-24 * 365));
    EXPECT_EQ(deadline_of(wall, stamp_of(then), now), now.steady + hours(2));
    EXPECT_EQ(past_of(to_wall(then.steady, then), stamp_of(then), now), now.steady)
        << "not to come";
    EXPECT_EQ(jump_since(stamp_of(then), now), -24 * 365 * hour);
}

TEST(Times, OneThatWasSetIsNoticed) {
    EXPECT_EQ(jump_since(stamp_of(then), later(hours(1), hours(1))), 0);
    EXPECT_EQ(jump_since(stamp_of(then), later(hours(1), hours(1) + seconds(3))), 0);
    EXPECT_EQ(jump_since(stamp_of(then), later(hours(1), hours(3))), 2 * hour);
    EXPECT_EQ(jump_since(stamp_of(then), later(hours(1), hours(0))), -hour);
}

TEST(Times, WhatNobodyWroteIsNoTime) {
    constexpr Millis least = std::numeric_limits<Millis>::min();
    constexpr Millis most = std::numeric_limits<Millis>::max();
    for (const Millis value : {least, Millis{-1}, most}) {
        EXPECT_FALSE(deadline_of(value, stamp_of(then), then));
        EXPECT_FALSE(past_of(value, stamp_of(then), then));
        for (const char* boot : {"boot-a", "boot-b"}) {
            EXPECT_FALSE(deadline_of(0, {boot, 0, value}, then));
            (void)deadline_of(0, {boot, value, 0}, then);
            (void)past_of(0, {boot, value, 0}, then);
            (void)jump_since({boot, value, value}, then);
        }
    }
    // The year 9999 is beyond what the clock counts to, and is taken for 95 years of it.
    EXPECT_EQ(deadline_of(253'402'300'799'000, stamp_of(then), then),
              base::TimePoint(milliseconds(3'000'000'000'000)));
}

}  // namespace
}  // namespace summond::store
