#include "limit_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fake_clock.hpp"

namespace summond::net {
namespace {

using namespace std::chrono_literals;

// Two workers' limiters, of which the second drops every other answer.
class LimitReportTest : public testing::Test {
  protected:
    static config::RateLimit settings(std::uint32_t slip) {
        config::RateLimit settings;
        settings.responses_per_second = 1;
        settings.slip = slip;
        return settings;
    }
    static RateLimiter::Seed seed() {
        RateLimiter::Seed seed;
        std::ranges::generate(seed, std::mt19937_64(1));
        return seed;
    }
    void answer(RateLimiter& limiter, const std::string& client, int count,
                RateLimiter::Kind kind = RateLimiter::Kind::positive) {
        for (int i = 0; i < count; ++i)
            limiter.check(base::IpAddress::parse(client)->bytes(), kind, clock.now());
    }
    std::string look() {
        RateLimiter* const limiters[] = {&first, &second};
        return report.look(limiters).value_or("");
    }

    test::FakeClock clock;
    RateLimiter first{settings(1), 1, seed()};
    RateLimiter second{settings(2), 1, seed()};
    LimitReport report{clock};
};

TEST_F(LimitReportTest, SaysWhenItBeginsHowItGoesAndWhenItIsOver) {
    EXPECT_EQ(look(), "");
    answer(first, "192.0.2.1", 4);
    answer(second, "192.0.2.1", 1);
    EXPECT_EQ(look(), "rate limit: 3 answers truncated, 0 dropped, to 192.0.2.0/24 (positive)");
    EXPECT_TRUE(report.limiting());
    for (int second_of_time = 0; second_of_time < 29; ++second_of_time) {
        clock.advance(1s);
        answer(first, "198.51.100.1", 3, RateLimiter::Kind::error);
        answer(second, "198.51.100.1", 3, RateLimiter::Kind::error);
        EXPECT_EQ(look(), "");
    }
    clock.advance(1s);
    EXPECT_EQ(look(), "rate limit: 87 answers truncated, 29 dropped, to 198.51.100.0/24 (errors)");
    clock.advance(29s);
    EXPECT_EQ(look(), "");
    clock.advance(1s);
    EXPECT_EQ(look(), "rate limit: over");
    EXPECT_FALSE(report.limiting());
    clock.advance(1h);
    EXPECT_EQ(look(), "");
}

TEST_F(LimitReportTest, NamesAFewNetworks) {
    for (int i = 0; i < 6; ++i)
        answer(first, "10.0." + std::to_string(i) + ".1", 2);
    EXPECT_EQ(look(),
              "rate limit: 6 answers truncated, 0 dropped, to 10.0.0.0/24 (positive), 10.0.1.0/24 "
              "(positive), 10.0.2.0/24 (positive), 10.0.3.0/24 (positive) and others");
}

}  // namespace
}  // namespace summond::net
