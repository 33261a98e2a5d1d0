// A report arrives as it was sent, and nothing else does.
#include "summond/ipc/report.hpp"

#include <gtest/gtest.h>

namespace summond::ipc {
namespace {

using namespace std::chrono_literals;

service::Report full() {
    return {.status = {.service = 7,
                       .phase = service::Phase::failed,
                       .failure = service::WakeFailure::drained,
                       .retry_at = base::TimePoint(5s),
                       .woken_at = base::TimePoint(4s),
                       .domid = 9,
                       .at_once = true,
                       .remembers = true,
                       .standby = 10},
            .stage = service::Stage::destroying,
            .saved = true,
            .since = base::TimePoint(3s),
            .memory_kib = 1,
            .standby = 2,
            .standby_kib = 3,
            .wakes = 4,
            .why = service::WakeReason::schedule,
            .idle_at = base::TimePoint(6s),
            .pinned = true,
            .pinned_until = base::TimePoint(7s)};
}

TEST(Report, ArrivesAsItWasSent) {
    EXPECT_EQ(report_of(message_of(full())), full());
    const service::Report empty{.status = {.service = 1}};
    EXPECT_EQ(report_of(message_of(empty)), empty);
}

TEST(Report, WhatIsNoReportIsRefused) {
    const auto refused = [](auto change) {
        Report message = message_of(full());
        change(message);
        return !report_of(message);
    };
    EXPECT_TRUE(refused([](Report& m) { m.phase = static_cast<service::Phase>(99); }));
    EXPECT_TRUE(refused([](Report& m) { m.failure = static_cast<service::WakeFailure>(99); }));
    EXPECT_TRUE(refused([](Report& m) { m.stage = static_cast<service::Stage>(99); }));
    EXPECT_TRUE(refused([](Report& m) { m.why = service::wake_reasons; }));
}

}  // namespace
}  // namespace summond::ipc
