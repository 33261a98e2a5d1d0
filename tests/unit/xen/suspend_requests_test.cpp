#include "suspend_requests.hpp"

#include <gtest/gtest.h>

namespace summond::xen {
namespace {

using namespace std::chrono_literals;

TEST(SuspendRequests, AMarkStandsUntilItsTime) {
    const base::TimePoint now{1h};
    const auto until = [](base::TimePoint at) {
        return std::to_string(at.time_since_epoch().count());
    };
    EXPECT_FALSE(SuspendRequests::stands(std::nullopt, now));
    EXPECT_TRUE(SuspendRequests::stands("1", now)) << "it is being saved, or resumed";
    EXPECT_TRUE(SuspendRequests::stands(until(now + 1s), now)) << "its guest may obey yet";
    EXPECT_FALSE(SuspendRequests::stands(until(now), now));
    EXPECT_FALSE(SuspendRequests::stands("", now));
    EXPECT_FALSE(SuspendRequests::stands("tomorrow", now));
}

}  // namespace
}  // namespace summond::xen
