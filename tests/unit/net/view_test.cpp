// How queries are answered in each state that vmm can tell, for each `answer:` setting.
#include "view.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace summond::net {
namespace {

using answer::Availability;
using service::Phase;
using WhenKind = service::AnswerWhen::Kind;
using std::chrono::milliseconds;

TEST(View, OfEachPhase) {
    struct Row {
        const char* what;
        ipc::State state;
        // For answer: booting, ready, 500ms.
        std::array<Availability, 3> availability;
        std::array<int, 3> lasts_ms{};  // 0: until vmm says something new
    };
    const auto state = [](Phase phase, std::uint8_t at_once = 0, std::uint32_t retry_ms = 0,
                          std::uint32_t woken_ms_ago = 0) {
        ipc::State made{};
        made.phase = phase;
        made.at_once = at_once;
        made.retry_after_ms = retry_ms;
        made.woken_ms_ago = woken_ms_ago;
        return made;
    };
    constexpr auto asleep = Availability::asleep;
    constexpr auto starting = Availability::starting;
    constexpr auto answerable = Availability::answerable;
    constexpr auto failed = Availability::failed;
    const std::vector<Row> rows{
        {"asleep", state(Phase::asleep), {asleep, asleep, asleep}},
        {"waiting paused", state(Phase::asleep, 1), {Availability::waiting, asleep, asleep}},
        {"building", state(Phase::building, 0, 0, 9000), {starting, starting, starting}},
        {"booting since 200 ms",
         state(Phase::booting, 0, 0, 200),
         {answerable, starting, starting},
         {0, 0, 300}},
        {"booting since 500 ms",
         state(Phase::booting, 0, 0, 500),
         {answerable, starting, answerable}},
        {"ready", state(Phase::ready), {answerable, answerable, answerable}},
        {"failed", state(Phase::failed, 0, 3000), {failed, failed, failed}, {3000, 3000, 3000}},
        {"failed, and might be tried again",
         state(Phase::failed, 0, 10),
         {failed, failed, failed},
         {250, 250, 250}},
    };
    const std::array<service::AnswerWhen, 3> when{
        {{WhenKind::booting}, {WhenKind::ready}, {WhenKind::delay, milliseconds(500)}}};
    for (const Row& row : rows)
        for (std::size_t i = 0; i < when.size(); ++i) {
            const View view = view_of(row.state, when[i]);
            EXPECT_EQ(view.availability, row.availability[i]) << row.what << ", " << i;
            EXPECT_EQ(view.lasts.value_or(base::Duration(0)), milliseconds(row.lasts_ms[i]))
                << row.what << ", " << i;
        }
}

}  // namespace
}  // namespace summond::net
