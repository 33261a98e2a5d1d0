#include "summond/host/probe_pace.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace summond::host {
namespace {

using namespace std::chrono_literals;

TEST(ProbePace, IsAnEighthOfTheTimeWithinLimits) {
    const ProbePace pace(5ms, 25ms);
    EXPECT_EQ(pace.pause(0ms), 5ms);
    EXPECT_EQ(pace.pause(80ms), 10ms);
    EXPECT_EQ(pace.pause(1h), 25ms);
}

TEST(ProbePace, FiftyShareTheTriesOfFour) {
    std::deque<ProbePace> probes;
    for (unsigned i = 0; i < ProbePace::undivided; ++i)
        probes.emplace_back(5ms, 25ms);
    EXPECT_EQ(probes.front().pause(1h), 25ms);
    for (unsigned i = ProbePace::undivided; i < 50; ++i)
        probes.emplace_back(5ms, 25ms);
    EXPECT_EQ(probes.front().pause(1h), 312500us);
    EXPECT_EQ(probes.back().pause(0ms), 62500us);
    probes.clear();
    const ProbePace alone(5ms, 25ms);
    EXPECT_EQ(alone.pause(1h), 25ms);
}

}  // namespace
}  // namespace summond::host
