#include "summond/proc/restart_backoff.hpp"

#include <gtest/gtest.h>

#include "fake_clock.hpp"

namespace summond::proc {
namespace {

using namespace std::chrono_literals;

class Backoff : public testing::Test {
  protected:
    std::chrono::milliseconds after_life_of(base::Duration life) {
        const base::TimePoint started = clock_.now();
        clock_.advance(life);
        return backoff_.ended(started, clock_.now());
    }

    test::FakeClock clock_;
    RestartBackoff backoff_;
};

TEST_F(Backoff, StartsAgainAtOnceTheFirstTime) {
    EXPECT_EQ(after_life_of(0ms), 0ms);
}

TEST_F(Backoff, WaitsLongerAndLongerInACrashLoop) {
    for (const auto expected : {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms})
        EXPECT_EQ(after_life_of(1s), expected);
}

TEST_F(Backoff, ForgivesAChildThatLivedWell) {
    for (int i = 0; i < 5; ++i)
        after_life_of(1s);
    EXPECT_EQ(after_life_of(RestartBackoff::healthy), 0ms);
    EXPECT_EQ(after_life_of(1s), 100ms);
}

}  // namespace
}  // namespace summond::proc
