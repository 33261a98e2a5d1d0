// What wire is told of each status there can be.
#include "summond/wire/guest_state.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace summond::wire {
namespace {

using service::Phase;
using service::Status;

TEST(GuestState, OfEachPhase) {
    struct Row {
        const char* what;
        Status status;
        Guest guest;
    };
    const std::vector<Row> rows{
        {"absent", {.phase = Phase::asleep}, {GuestState::away}},
        {"saved", {.phase = Phase::asleep, .remembers = true}, {GuestState::kept}},
        {"paused: it has a domain, which hears nothing",
         {.phase = Phase::asleep, .domid = 7, .at_once = true, .remembers = true},
         {GuestState::kept}},
        {"a copy waits",
         {.phase = Phase::asleep, .at_once = true, .standby = 8},
         {GuestState::waiting, 8}},
        {"saved, which goes before a copy",
         {.phase = Phase::asleep, .remembers = true, .standby = 8},
         {GuestState::kept}},
        {"building: no interface yet", {.phase = Phase::building}, {GuestState::starting}},
        {"booting", {.phase = Phase::booting, .domid = 7}, {GuestState::starting, 7}},
        {"ready", {.phase = Phase::ready, .domid = 7}, {GuestState::running, 7}},
        {"failed", {.phase = Phase::failed}, {GuestState::refused}},
        {"failed while paused", {.phase = Phase::failed, .domid = 7}, {GuestState::refused}},
        {"not configured", service::unknown(1), {GuestState::refused}},
    };
    for (const Row& row : rows)
        EXPECT_EQ(guest_of(row.status), row.guest) << row.what;
}

}  // namespace
}  // namespace summond::wire
