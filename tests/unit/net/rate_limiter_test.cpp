// Response rate limiting on a clock that the test sets.

#include "summond/net/rate_limiter.hpp"

#include <gmock/gmock.h>

#include <random>
#include <string>

#include "fake_clock.hpp"

namespace summond::net {
namespace {

using namespace std::chrono_literals;
using Kind = RateLimiter::Kind;
using Verdict = RateLimiter::Verdict;
using testing::ElementsAre;

RateLimiter::Seed seed(std::uint64_t number = 1) {
    std::mt19937_64 random(number);
    RateLimiter::Seed seed;
    std::ranges::generate(seed, random);
    return seed;
}

config::RateLimit settings(std::uint32_t rate, std::uint32_t slip = 1) {
    config::RateLimit settings;
    settings.responses_per_second = rate;
    settings.slip = slip;
    return settings;
}

base::IpPrefix prefix(std::string_view address, unsigned length) {
    return {*base::IpAddress::parse(address), length};
}

class RateLimiterTest : public testing::Test {
  protected:
    void limit(const config::RateLimit& settings, unsigned workers = 1) {
        limiter.emplace(settings, workers, seed());
    }
    Verdict check(const std::string& client, Kind kind = Kind::positive) {
        return limiter->check(base::IpAddress::parse(client)->bytes(), kind, clock.now());
    }
    // What becomes of so many answers now: "s" sent, "c" challenged, "d" dropped.
    std::string checks(const std::string& client, int count, Kind kind = Kind::positive) {
        std::string text;
        for (int i = 0; i < count; ++i)
            text += "scd"[static_cast<int>(check(client, kind))];
        return text;
    }
    // How many of so many are sent.
    std::ptrdiff_t sent(const std::string& client, int count, Kind kind = Kind::positive) {
        return std::ranges::count(checks(client, count, kind), 's');
    }

    test::FakeClock clock;
    std::optional<RateLimiter> limiter;
};

TEST_F(RateLimiterTest, OneSecondsResponsesAtOnceThenOneEachInterval) {
    limit(settings(5));
    EXPECT_EQ(checks("192.0.2.1", 7), "ssssscc");
    clock.advance(199ms);
    EXPECT_EQ(checks("192.0.2.1", 2), "cc");
    clock.advance(1ms);
    EXPECT_EQ(checks("192.0.2.1", 3), "scc");
    clock.advance(600ms);
    EXPECT_EQ(checks("192.0.2.1", 4), "sssc");
    clock.advance(1h);
    EXPECT_EQ(checks("192.0.2.1", 7), "ssssscc") << "no more is saved up";
}

TEST_F(RateLimiterTest, TheRateIsKeptUnderAFlood) {
    limit(settings(1000));
    std::ptrdiff_t total = 0;
    for (int ms = 0; ms < 10'000; ++ms) {
        total += sent("192.0.2.1", 20);
        clock.advance(1ms);
    }
    EXPECT_EQ(total, 10'999);  // a second's at once, then 1000 a second
}

TEST_F(RateLimiterTest, EveryNthLimitedResponseIsAChallenge) {
    limit(settings(1, 3));
    EXPECT_EQ(checks("192.0.2.1", 10), "scddcddcdd");
    clock.advance(1s);
    EXPECT_EQ(checks("192.0.2.1", 4), "scdd") << "begins anew when nothing is owed";
    limit(settings(1, 2));
    EXPECT_EQ(checks("192.0.2.1", 6), "scdcdc");
    limit(settings(1, 1));
    EXPECT_EQ(checks("192.0.2.1", 4), "sccc");
    limit(settings(1, 0));
    EXPECT_EQ(checks("192.0.2.1", 4), "sddd");
    EXPECT_EQ(limiter->totals().challenged, 0U);
    EXPECT_EQ(limiter->totals().dropped, 3U);
}

TEST_F(RateLimiterTest, ANetworkIsOneClient) {
    limit(settings(1));
    EXPECT_EQ(checks("192.0.2.1", 1), "s");
    EXPECT_EQ(checks("192.0.2.255", 1), "c");
    EXPECT_EQ(checks("192.0.3.1", 1), "s");
    EXPECT_EQ(checks("2001:db8:0:ff00::1", 1), "s");
    EXPECT_EQ(checks("2001:db8:0:ffff:ffff::", 1), "c") << "the same /56";
    EXPECT_EQ(checks("2001:db8:1::1", 1), "s");
    EXPECT_EQ(checks("c000:0200::", 1), "s") << "not the IPv4 network with the same octets";
}

TEST_F(RateLimiterTest, LengthsOfNetworksAreConfigurable) {
    config::RateLimit wanted = settings(1);
    wanted.ipv4_prefix = 32;
    wanted.ipv6_prefix = 64;
    limit(wanted);
    EXPECT_EQ(checks("192.0.2.1", 2), "sc");
    EXPECT_EQ(checks("192.0.2.2", 2), "sc");
    EXPECT_EQ(checks("2001:db8::1", 1), "s");
    EXPECT_EQ(checks("2001:db8::2", 1), "c");
    EXPECT_EQ(checks("2001:db8:0:1::1", 1), "s");
    wanted.ipv4_prefix = 8;
    wanted.ipv6_prefix = 16;
    limit(wanted);
    EXPECT_EQ(checks("192.0.2.1", 1), "s");
    EXPECT_EQ(checks("192.255.2.1", 1), "c");
    EXPECT_EQ(checks("2001::1", 1), "s");
    EXPECT_EQ(checks("2001:ffff::1", 1), "c");
}

TEST_F(RateLimiterTest, EachKindHasItsAccount) {
    limit(settings(2));
    EXPECT_EQ(checks("192.0.2.1", 3, Kind::negative), "ssc");
    EXPECT_EQ(checks("192.0.2.1", 3, Kind::error), "ssc");
    EXPECT_EQ(checks("192.0.2.1", 3, Kind::referral), "ssc");
    EXPECT_EQ(checks("192.0.2.1", 3, Kind::positive), "ssc");
}

TEST_F(RateLimiterTest, KindsOfAnswers) {
    const auto kind = [](std::uint8_t flags, std::uint8_t rcode, std::uint8_t answers,
                         std::uint8_t authority) {
        return RateLimiter::kind_of(
            std::array<std::uint8_t, 12>{0, 0, flags, rcode, 0, 1, 0, answers, 0, authority, 0, 1});
    };
    constexpr std::uint8_t qr = 0x80;
    constexpr std::uint8_t aa = 0x84;
    EXPECT_EQ(kind(aa, 0, 1, 0), Kind::positive);
    EXPECT_EQ(kind(aa, 0, 1, 1), Kind::positive) << "an alias to a referral";
    EXPECT_EQ(kind(aa, 0, 0, 1), Kind::negative) << "no data";
    EXPECT_EQ(kind(aa, 3, 0, 1), Kind::negative) << "no such name";
    EXPECT_EQ(kind(aa, 3, 1, 1), Kind::negative) << "an alias to no such name";
    EXPECT_EQ(kind(qr, 0, 0, 2), Kind::referral);
    EXPECT_EQ(kind(aa | 2, 0, 0, 0), Kind::negative) << "truncated";
    for (std::uint8_t rcode = 4; rcode < 16; ++rcode)
        EXPECT_EQ(kind(qr, rcode, 0, 0), Kind::error);
}

TEST_F(RateLimiterTest, ExemptNetworksAreNotLimitedAndUseUpNothing) {
    config::RateLimit wanted = settings(1);
    wanted.exempt = {prefix("192.0.2.128", 25), prefix("192.0.2.192", 26),
                     prefix("2001:db8::", 32),  prefix("10.0.0.0", 8),
                     prefix("10.1.0.0", 16),    prefix("203.0.113.7", 32)};
    limit(wanted);
    for (const char* client : {"192.0.2.128", "192.0.2.191", "192.0.2.255",
                               "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "10.0.0.0",
                               "10.0.9.9", "10.1.9.9", "10.255.255.255", "203.0.113.7"})
        EXPECT_EQ(checks(client, 3), "sss") << client;
    EXPECT_EQ(checks("192.0.2.127", 2), "sc") << "its network has one response still";
    EXPECT_EQ(checks("203.0.113.6", 2), "sc");
    for (const char* client : {"192.0.1.255", "192.0.3.0", "9.255.255.255", "11.0.0.0", "0.0.0.0",
                               "2001:db7:ffff::", "2001:db9::", "::"})
        EXPECT_EQ(checks(client, 2), "sc") << client;
}

TEST_F(RateLimiterTest, LoopbackIsExemptUnlessConfigured) {
    limit(settings(1));
    EXPECT_EQ(checks("127.0.0.1", 2) + checks("127.9.9.9", 2) + checks("::1", 2), "ssssss");
    EXPECT_EQ(checks("::2", 2), "sc");
    config::RateLimit wanted = settings(1);
    wanted.exempt.clear();
    limit(wanted);
    EXPECT_EQ(checks("127.0.0.1", 2) + checks("::1", 2), "scsc");
    wanted.exempt = {prefix("0.0.0.0", 0), prefix("::", 0)};
    limit(wanted);
    EXPECT_EQ(checks("255.255.255.255", 2) + checks("ffff::", 2), "ssss");
}

TEST_F(RateLimiterTest, WorkersShareTheRate) {
    limit(settings(1000), 4);
    EXPECT_EQ(sent("192.0.2.1", 2000), 250);
    clock.advance(1s);
    EXPECT_EQ(sent("192.0.2.1", 2000), 250);
    // Fewer responses than workers: one now and then.
    limit(settings(2), 8);
    EXPECT_EQ(checks("192.0.2.1", 2), "sc");
    clock.advance(3999ms);
    EXPECT_EQ(checks("192.0.2.1", 1), "c");
    clock.advance(1ms);
    EXPECT_EQ(checks("192.0.2.1", 2), "sc");
}

// Ever new sources, forged, many more than there is room for: they neither cost others their
// answers nor make it forget whom it limits.
TEST_F(RateLimiterTest, AFloodFromEverywhereChangesNothingForOthers) {
    config::RateLimit wanted = settings(100);
    limit(wanted);
    EXPECT_EQ(sent("192.0.2.1", 500), 100);
    EXPECT_EQ(sent("2001:db8::1", 500), 100);
    std::mt19937 random(2);
    for (int i = 0; i < 1'000'000; ++i) {
        const auto source = static_cast<std::uint32_t>(random());
        const std::array<std::uint8_t, 4> client{static_cast<std::uint8_t>(source >> 24 | 1U),
                                                 static_cast<std::uint8_t>(source >> 16),
                                                 static_cast<std::uint8_t>(source >> 8), 1};
        limiter->check(client, Kind::positive, clock.now());
    }
    EXPECT_EQ(sent("192.0.2.1", 500), 0) << "is still limited";
    EXPECT_EQ(sent("2001:db8::1", 500), 0);
    EXPECT_EQ(sent("198.51.100.1", 500), 100) << "one who is new has all";
    clock.advance(1s);
    EXPECT_EQ(sent("192.0.2.1", 500), 100);
}

// Even if every account is overdrawn, someone who has not asked before is answered.
TEST_F(RateLimiterTest, ATableFullOfAttackersLocksNobodyOut) {
    limit(settings(2));
    for (std::uint32_t network = 0; network < 200'000; ++network) {
        const std::array<std::uint8_t, 4> client{10, static_cast<std::uint8_t>(network >> 16),
                                                 static_cast<std::uint8_t>(network >> 8),
                                                 static_cast<std::uint8_t>(network)};
        for (int i = 0; i < 4; ++i)
            limiter->check({client}, Kind::error, clock.now());
    }
    for (int i = 0; i < 256; ++i)
        EXPECT_EQ(sent("198.51." + std::to_string(i) + ".1", 3), 2);
}

TEST_F(RateLimiterTest, TheSeedDecidesWhoSharesABucket) {
    // Networks that differ in a few bits of the address only, as an attacker would choose them.
    const auto survivors = [](std::uint64_t number) {
        RateLimiter limiter(settings(1), 1, seed(number));
        std::string answered;
        const auto ask = [&](std::uint32_t i) {
            const std::array<std::uint8_t, 4> client{static_cast<std::uint8_t>(i >> 8),
                                                     static_cast<std::uint8_t>(i), 0, 0};
            return limiter.check(client, Kind::positive, base::TimePoint(1h)) == Verdict::send;
        };
        for (std::uint32_t i = 0; i < 65536; ++i)
            ask(i);
        for (std::uint32_t i = 0; i < 65536; ++i)
            answered += ask(i) ? '1' : '0';
        return answered;
    };
    const std::string one = survivors(1);
    EXPECT_EQ(one, survivors(1));
    EXPECT_NE(one, survivors(3));
}

TEST_F(RateLimiterTest, SaysWhomItBeganToLimit) {
    limit(settings(1));
    EXPECT_EQ(limiter->next_limited(), std::nullopt);
    checks("192.0.2.1", 100);
    checks("2001:db8:0:ff12::1", 2, Kind::error);
    EXPECT_EQ(limiter->next_limited(),
              (RateLimiter::Limited{prefix("192.0.2.0", 24), Kind::positive}));
    EXPECT_EQ(limiter->next_limited(),
              (RateLimiter::Limited{prefix("2001:db8:0:ff00::", 56), Kind::error}));
    EXPECT_EQ(limiter->next_limited(), std::nullopt);
    // A few are kept, no more, however many there are.
    int kept = 0;
    for (int i = 0; i < 256; ++i)
        checks("10.0." + std::to_string(i) + ".1", 2);
    while (limiter->next_limited())
        ++kept;
    EXPECT_EQ(kept, 16);
}

}  // namespace
}  // namespace summond::net
