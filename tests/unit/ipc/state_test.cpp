// What a front is told of each status there can be.
#include "summond/ipc/state.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace summond::ipc {
namespace {

using service::Phase;
using service::Status;
using service::WakeFailure;
using namespace std::chrono_literals;

const base::TimePoint now{1h};

TEST(State, OfEachPhase) {
    struct Row {
        const char* what;
        Status status;
        Phase phase;
        unsigned at_once = 0;
        WakeFailure failure = WakeFailure::none;
        std::uint32_t retry_after_ms = 0;
        std::uint32_t woken_ms_ago = 0;
    };
    const std::vector<Row> rows{
        {"absent", {.phase = Phase::asleep}, Phase::asleep},
        {"saved: that takes time", {.phase = Phase::asleep, .remembers = true}, Phase::asleep},
        {"paused", {.phase = Phase::asleep, .at_once = true, .remembers = true}, Phase::asleep, 1},
        {"a copy waits", {.phase = Phase::asleep, .at_once = true, .standby = 8}, Phase::asleep, 1},
        {"building",
         {.phase = Phase::building, .woken_at = now - 1500ms},
         Phase::building,
         0,
         WakeFailure::none,
         0,
         1500},
        {"booting",
         {.phase = Phase::booting, .woken_at = now - 2s, .domid = 7},
         Phase::booting,
         0,
         WakeFailure::none,
         0,
         2000},
        {"woken by a front whose clock is ahead",
         {.phase = Phase::booting, .woken_at = now + 1s},
         Phase::booting},
        {"ready", {.phase = Phase::ready, .woken_at = now - 2s, .domid = 7}, Phase::ready},
        {"failed",
         {.phase = Phase::failed, .failure = WakeFailure::no_memory, .retry_at = now + 3s},
         Phase::failed,
         0,
         WakeFailure::no_memory,
         3000},
        {"said late: what it waited for is over",
         {.phase = Phase::failed, .failure = WakeFailure::crashed, .retry_at = now - 1s},
         Phase::failed,
         0,
         WakeFailure::crashed},
        {"not configured", service::unknown(42), Phase::failed, 0, WakeFailure::refused},
    };
    for (const Row& row : rows) {
        Status status = row.status;
        status.service = 42;
        const State state = state_of(status, now);
        EXPECT_EQ(state.service, 42U) << row.what;
        EXPECT_EQ(state.phase, row.phase) << row.what;
        EXPECT_EQ(state.at_once, row.at_once) << row.what;
        EXPECT_EQ(state.failure, row.failure) << row.what;
        EXPECT_EQ(state.retry_after_ms, row.retry_after_ms) << row.what;
        EXPECT_EQ(state.woken_ms_ago, row.woken_ms_ago) << row.what;
    }
}

}  // namespace
}  // namespace summond::ipc
