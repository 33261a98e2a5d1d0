#include "summond/notify/queue.hpp"

#include <gtest/gtest.h>

namespace summond::notify {
namespace {

using namespace std::chrono_literals;

class HandClock final : public base::Clock {
  public:
    base::TimePoint now() const override { return time; }
    base::TimePoint time{1h};
};

class QueueTest : public testing::Test {
  protected:
    HandClock clock;
    double chance = 1;
    Queue queue{clock, [this] { return chance; }};

    std::string begun() {
        const Notice* const notice = queue.begin();
        return notice == nullptr ? "" : notice->id;
    }
};

TEST_F(QueueTest, OneAfterTheOther) {
    EXPECT_EQ(queue.due(), std::nullopt);
    EXPECT_EQ(begun(), "");
    EXPECT_TRUE(queue.add({"a", "{}"}));
    EXPECT_TRUE(queue.add({"b", "{}"}));
    EXPECT_LE(queue.due(), clock.time);
    EXPECT_EQ(begun(), "a");
    EXPECT_EQ(begun(), "") << "one is under way";
    EXPECT_EQ(queue.due(), std::nullopt);
    queue.taken();
    EXPECT_EQ(begun(), "b");
    queue.taken();
    EXPECT_EQ(queue.size(), 0U);
}

TEST_F(QueueTest, WaitsLongerEachTime) {
    queue.add({"a", "{}"});
    std::vector<base::Duration> waits;
    for (int i = 0; i < 9; ++i) {
        ASSERT_EQ(begun(), "a");
        ASSERT_TRUE(queue.not_taken(24h));
        waits.push_back(*queue.due() - clock.time);
        clock.time += waits.back() - 1ms;
        EXPECT_EQ(begun(), "");
        clock.time += 1ms;
    }
    EXPECT_EQ(waits, (std::vector<base::Duration>{5s, 10s, 20s, 40s, 80s, 160s, 300s, 300s, 300s}));
    EXPECT_EQ(begun(), "a");
    queue.taken();
    queue.add({"b", "{}"});
    EXPECT_EQ(begun(), "b") << "at once again";
    chance = 0;
    EXPECT_TRUE(queue.not_taken(24h));
    EXPECT_EQ(*queue.due() - clock.time, base::Duration(2500ms)) << "half, as chance will have it";
}

TEST_F(QueueTest, GivesUpWhatIsTooOld) {
    queue.add({"a", "{}"});
    queue.add({"b", "{}"});
    EXPECT_EQ(begun(), "a");
    EXPECT_TRUE(queue.not_taken(10s));
    clock.time += 6s;
    EXPECT_EQ(begun(), "a");
    EXPECT_FALSE(queue.not_taken(10s)) << "the next would be after 16 s";
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(begun(), "") << "the receiver is left alone all the same";
    clock.time += 10s;
    EXPECT_EQ(begun(), "b");
    EXPECT_FALSE(queue.not_taken(0s)) << "tried once";
}

TEST_F(QueueTest, IsBounded) {
    for (std::size_t i = 0; i < Queue::most; ++i)
        EXPECT_TRUE(queue.add({std::to_string(i), "{}"}));
    EXPECT_FALSE(queue.add({"new", "{}"}));
    EXPECT_EQ(queue.size(), Queue::most);
    EXPECT_EQ(begun(), "1") << "the oldest is lost";
    EXPECT_FALSE(queue.add({"newer", "{}"}));
    queue.taken();
    EXPECT_EQ(begun(), "3") << "but not the one under way";
}

}  // namespace
}  // namespace summond::notify
