// Services that are to be up in windows, or always.
#include <gtest/gtest.h>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::Phase;
using service::WakeReason;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::www;

// It is 2026-11-30, a Monday, 0:00 UTC.
class ScheduleTest : public ManagerFixture {
  protected:
    static service::Template office() {
        auto s = test::service(www);
        s.keep = {{0x1f, 8 * 60, 18 * 60, "UTC"}};
        return s;
    }
    // Both clocks, from deadline to deadline.
    void pass(base::Duration time) {
        const auto end = clock.now() + time;
        for (auto next = manager.next_deadline(); next && *next <= end;
             next = manager.next_deadline()) {
            ASSERT_LT(++ticks, 100'000u) << "spins";
            if (*next > clock.now())
                advance(*next - clock.now());
            manager.tick();
        }
        advance(end - clock.now());
    }
    void advance(base::Duration time) {
        clock.advance(time);
        wall_clock.advance(std::chrono::duration_cast<milliseconds>(time));
    }
    void come_up(DomId domid, base::Duration takes = {}) {
        ASSERT_EQ(backend.builds.size(), 1u);
        advance(takes);
        backend.finish_build(domid);
        backend.become_ready(domid);
        backend.counts = {{www, 0}};
    }
    hours::rep hour() const {
        return std::chrono::duration_cast<hours>(wall_clock.now().time_since_epoch()).count() % 24;
    }
    unsigned ticks = 0;
};

TEST_F(ScheduleTest, IsReadyWhenTheWindowBeginsAndPutAwayAfterIt) {
    manager.configure({office()});
    pass(hours(8) - seconds(31));
    EXPECT_TRUE(backend.builds.empty());
    pass(seconds(1));  // ready.timeout: nobody knows how long it takes
    come_up(5, seconds(4));
    EXPECT_EQ(ledger.wakes.at(0).why, WakeReason::schedule);
    pass(hours(9));
    EXPECT_EQ(phase(), Phase::ready) << "without any traffic";
    EXPECT_TRUE(backend.destroys.empty());
    pass(hours(1) + minutes(1));
    EXPECT_EQ(hour(), 18);
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    // The next day, by what it has taken: 4 s and one to spare.
    pass(std::chrono::days(1) + hours(8) -
         wall_clock.now().time_since_epoch() % std::chrono::days(1) - seconds(6));
    EXPECT_TRUE(backend.builds.empty());
    pass(seconds(1));
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ScheduleTest, LeadIsKnownFromEarlierProcesses) {
    WakeRecord record;
    record.number = 7;
    record.service = www;
    record.how = WakeHow::build;
    record.ready = seconds(9);
    ledger.remembers.wakes = {record};
    manager.configure({office()});
    ASSERT_TRUE(manager.adopt());
    pass(hours(8) - seconds(11));
    EXPECT_TRUE(backend.builds.empty());
    pass(seconds(1));
    EXPECT_EQ(backend.builds.size(), 1u);
    EXPECT_EQ(manager.wakes().size(), 1u);
}

TEST_F(ScheduleTest, WokenAgainWhenItEndsInTheWindow) {
    manager.configure({office()});
    pass(hours(9));
    come_up(5);
    pass(minutes(10));
    backend.die(5, Death::poweroff);
    backend.finish_destroy();
    pass(seconds(0));
    come_up(6);
    EXPECT_EQ(ledger.wakes.back().why, WakeReason::schedule);
}

TEST_F(ScheduleTest, WhatFailsIsTriedAgainNoFasterThanBackOffAllows) {
    manager.configure({office()});
    pass(hours(9));
    ASSERT_EQ(backend.builds.size(), 1u);
    for (const auto wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
        backend.fail_build(service::WakeFailure::no_memory);
        pass(seconds(wait) - milliseconds(1));
        ASSERT_TRUE(backend.builds.empty());
        pass(milliseconds(1));
        ASSERT_EQ(backend.builds.size(), 1u);
    }
}

TEST_F(ScheduleTest, ASleepByCommandHoldsUntilTheNextWindow) {
    manager.configure({office()});
    pass(hours(8) - seconds(30));
    come_up(5);
    pass(hours(1) + seconds(30));
    EXPECT_EQ(manager.sleep(www, false), Manager::Ordered::begun);
    backend.finish_destroy();
    pass(hours(9));
    EXPECT_TRUE(backend.builds.empty()) << "in the window";
    pass(hours(14) - seconds(31));
    EXPECT_TRUE(backend.builds.empty()) << "nor at night";
    pass(seconds(31));
    EXPECT_EQ(backend.builds.size(), 1u) << "for the next day's";
}

TEST_F(ScheduleTest, ASleepByCommandEndsWhenSomebodyAsks) {
    manager.configure({office()});
    pass(hours(9));
    come_up(5);
    manager.sleep(www, false);
    backend.finish_destroy();
    pass(minutes(10));
    manager.wake(www, WakeReason::dns);
    come_up(6);
    pass(hours(5));
    EXPECT_EQ(phase(), Phase::ready) << "to be up again, whatever traffic there is";
    backend.die(6, Death::poweroff);
    backend.finish_destroy();
    pass(seconds(0));
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ScheduleTest, ASleepJustBeforeAWindowLastsUntilItBegins) {
    auto s = office();
    s.idle_action = service::IdleAction::pause;
    manager.configure({s});
    pass(hours(8) - seconds(30));
    come_up(5);
    manager.sleep(www, false);
    pass(seconds(29));
    EXPECT_EQ(phase(), Phase::asleep);
    pass(seconds(1));
    EXPECT_EQ(phase(), Phase::ready);
}

TEST_F(ScheduleTest, ASleepByCommandOutlivesTheProcess) {
    manager.configure({office()});
    pass(hours(9));
    come_up(5);
    manager.sleep(www, false);
    backend.finish_destroy();
    pass(minutes(1));
    ASSERT_TRUE(ledger.kept.at(www).rest);
    EXPECT_EQ(ledger.kept.at(www).rest->until, clock.now() + hours(9) - minutes(1));

    test::FakeHypervisor next_backend;
    test::FakeLedger next_ledger;
    next_ledger.remembers.services = {ledger.kept.at(www)};
    Manager next(
        next_backend, clock, wall_clock, [](const service::Status&) {}, next_ledger);
    next.configure({office()});
    ASSERT_TRUE(next.adopt());
    next.tick();
    EXPECT_TRUE(next_backend.builds.empty());
}

TEST_F(ScheduleTest, APausedDomainIsUnpaused) {
    auto s = office();
    s.idle_action = service::IdleAction::pause;
    manager.configure({s});
    bring_up(5);
    backend.counts = {{www, 0}};
    pass(hours(7));
    EXPECT_EQ(phase(), Phase::asleep);
    pass(hours(1));
    EXPECT_EQ(phase(), Phase::ready);
    EXPECT_EQ(ledger.wakes.back().how, WakeHow::unpause);
}

TEST_F(ScheduleTest, MinIsAlways) {
    auto s = test::service(www);
    s.min = 1;
    manager.configure({s});
    pass(seconds(0));
    come_up(5);
    pass(hours(30));
    EXPECT_TRUE(backend.destroys.empty());
    s.min = 0;
    manager.configure({s});
    pass(minutes(2));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ScheduleTest, IsNotEvicted) {
    service::Limits limits;
    limits.domains = 1;
    limits.evict = true;
    auto s = test::service(www);
    s.min = 1;
    manager.configure({s, test::service(test::mail)}, limits);
    pass(seconds(0));
    come_up(5);
    pass(minutes(5));
    manager.wake(test::mail, WakeReason::dns);
    pass(seconds(9));
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_EQ(manager.status(test::mail)->failure, service::WakeFailure::domain_limit);
}

TEST_F(ScheduleTest, AClockThatIsSetIsNoticedWithinAMinute) {
    manager.configure({office()});
    pass(hours(1));
    wall_clock.advance(hours(8));  // 9:00
    pass(seconds(61));
    come_up(5);
    wall_clock.advance(hours(10));
    pass(minutes(3));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ScheduleTest, NothingIsWokenWhileStopping) {
    auto s = test::service(www);
    s.min = 1;
    manager.configure({s});
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(hours(1));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ScheduleTest, ALongLeadDoesNotSpin) {
    auto s = test::service(www);
    s.ready.timeout = hours(1);
    s.keep = {{0x7f, 8 * 60, 8 * 60 + 10, "UTC"}, {0x7f, 8 * 60 + 20, 8 * 60 + 30, "UTC"}};
    manager.configure({s});
    pass(hours(7) + minutes(1));
    come_up(5);
    pass(hours(3));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

}  // namespace
}  // namespace summond::vm
