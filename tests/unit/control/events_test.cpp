#include "summond/control/events.hpp"

#include <gtest/gtest.h>

namespace summond::control {
namespace {

TEST(Events, AsTheyGoOut) {
    Events events(5);
    EXPECT_EQ(*events.add("host", {{"drained", true}}),
              "id: 5-1\nevent: host\ndata: {\"drained\":true}\n\n");
}

TEST(Events, WhoComesBackGetsWhatHeHasMissed) {
    Events events(5);
    events.add("a", {});
    const auto b = events.add("b", {});
    const auto c = events.add("c", {});
    EXPECT_EQ(events.since("5-1"), (std::vector{b, c}));
    EXPECT_TRUE(events.since("5-3").empty());
    EXPECT_TRUE(events.since("").empty());
}

TEST(Events, WhoCannotBeToldAllIsToldThat) {
    Events events(5);
    for (const char* id : {"5-1", "4-1", "5-", "-1", "x", "5-1x", "99999999999999999999-1",
                           "5-18446744073709551615"})
        EXPECT_EQ(events.since(id), std::vector{lagged()}) << id;
    for (std::size_t i = 0; i < Events::kept + 1; ++i)
        events.add("a", {});
    EXPECT_EQ(events.since("5-0"), std::vector{lagged()});
    EXPECT_EQ(events.since("5-1").size(), Events::kept);
}

}  // namespace
}  // namespace summond::control
