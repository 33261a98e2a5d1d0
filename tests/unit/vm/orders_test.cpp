// What somebody who may wants of services: wake, sleep, pins, drain; and what is told of them.
#include <gtest/gtest.h>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::Phase;
using service::WakeFailure;
using service::WakeReason;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::www;
using Ordered = Manager::Ordered;

class OrdersTest : public ManagerFixture {
  protected:
    OrdersTest() {
        manager.configure({test::service(www)});
        EXPECT_TRUE(manager.adopt());
    }
    void fail_a_wake() {
        manager.wake(www, WakeReason::dns);
        backend.fail_build(WakeFailure::no_kernel);
        ASSERT_EQ(phase(), Phase::failed);
    }
};

TEST_F(OrdersTest, AWakeByCommand) {
    EXPECT_EQ(manager.wake_by_command(www, false), Ordered::begun);
    EXPECT_EQ(manager.wake_by_command(www, false), Ordered::begun);
    EXPECT_EQ(backend.builds.size(), 1u);
    backend.finish_build(7);
    backend.become_ready(7);
    EXPECT_EQ(manager.wake_by_command(www, false), Ordered::nothing);
    EXPECT_EQ(manager.report(www)->why, WakeReason::command);
    EXPECT_EQ(manager.report(www)->wakes, 1u);
    EXPECT_EQ(manager.wake_by_command(12345, false), Ordered::unknown);
}

TEST_F(OrdersTest, AServiceThatBacksOffIsWokenByForce) {
    fail_a_wake();
    EXPECT_EQ(manager.wake_by_command(www, false), Ordered::refused);
    EXPECT_EQ(manager.wake_by_command(www, true), Ordered::begun);
    EXPECT_EQ(phase(), Phase::building);
}

TEST_F(OrdersTest, SleepPutsAwayWhateverTrafficThereIs) {
    EXPECT_EQ(manager.sleep(www, false), Ordered::nothing);
    manager.wake(www, WakeReason::dns);
    EXPECT_EQ(manager.sleep(www, false), Ordered::busy);
    backend.finish_build(7);
    backend.become_ready(7);
    EXPECT_EQ(manager.sleep(www, false), Ordered::begun);
    EXPECT_EQ(manager.sleep(www, false), Ordered::nothing);
    backend.finish_destroy();
    EXPECT_EQ(phase(), Phase::asleep);
}

// Touch tells of answers of the second before.
TEST_F(OrdersTest, AnAnswerOfBeforeIsNoReasonToWakeWhatWasPutAwayByCommand) {
    bring_up(7);
    manager.sleep(www, false);
    backend.finish_destroy();
    manager.touch(www);
    EXPECT_EQ(phase(), Phase::asleep);
}

TEST_F(OrdersTest, APinKeepsADomain) {
    bring_up(7);
    EXPECT_EQ(manager.pin(www, {}), Ordered::done);
    backend.counts = {{www, 0}};
    pass(hours(1));
    EXPECT_EQ(phase(), Phase::ready);
    EXPECT_TRUE(manager.report(www)->pinned);
    EXPECT_EQ(manager.sleep(www, false), Ordered::pinned);
    EXPECT_EQ(manager.unpin(www), Ordered::done);
    EXPECT_EQ(manager.unpin(www), Ordered::nothing);
    pass(seconds(80));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(OrdersTest, APinRunsOut) {
    bring_up(7);
    manager.pin(www, clock.now() + hours(1));
    backend.counts = {{www, 0}};
    pass(minutes(59));
    EXPECT_EQ(phase(), Phase::ready);
    pass(minutes(3));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(OrdersTest, APinGivesWayToForce) {
    bring_up(7);
    manager.pin(www, {});
    EXPECT_EQ(manager.sleep(www, true), Ordered::begun);
}

TEST_F(OrdersTest, PinsAndDrainOutliveTheProcess) {
    bring_up(7);
    const auto until = clock.now() + hours(2);
    manager.pin(www, until);
    manager.drain(true);
    pass(seconds(1));
    EXPECT_EQ(ledger.kept.at(www).pin, Pin{until});
    EXPECT_EQ(ledger.is_drained, true);

    test::FakeHypervisor next_backend;
    test::FakeLedger next_ledger;
    next_ledger.remembers = {true, {ledger.kept.at(www)}};
    Manager next(
        next_backend, clock, wall_clock, [](const service::Status&) {}, next_ledger);
    next.configure({test::service(www)});
    ASSERT_TRUE(next.adopt());
    EXPECT_TRUE(next.drained());
    EXPECT_EQ(next.status(www)->failure, WakeFailure::drained);
    EXPECT_EQ(next.report(www)->pinned_until, until);
}

TEST_F(OrdersTest, ADomainThatSomebodyElseHasMadeIsAdopted) {
    std::string why;
    EXPECT_EQ(manager.adopt(www, why), Ordered::unfit);
    EXPECT_EQ(why, "as the test says");
    EXPECT_EQ(phase(), Phase::asleep);
    backend.claimable = 7;
    EXPECT_EQ(manager.adopt(www, why), Ordered::begun);
    EXPECT_EQ(phase(), Phase::booting) << "nobody knows whether it is ready";
    EXPECT_EQ(manager.adopt(www, why), Ordered::busy);
    backend.become_ready(7);
    EXPECT_EQ(phase(), Phase::ready);
    EXPECT_EQ(manager.status(www)->domid, 7u);
    EXPECT_EQ(manager.adopt(www, why), Ordered::nothing);
    EXPECT_TRUE(ledger.wakes.empty()) << "it has not been woken";
    backend.counts = {{www, 0}};
    pass(seconds(80));
    EXPECT_EQ(backend.destroys.size(), 1u) << "idle, as any other";
    EXPECT_EQ(manager.adopt(12345, why), Ordered::unknown);
}

TEST_F(OrdersTest, WhatIsSuspendedIsNotGivenUpForAnotherDomain) {
    backend.claimable = 7;
    backend.kept.insert(www);
    std::string why;
    EXPECT_EQ(manager.adopt(www, why), Ordered::unfit);
    EXPECT_NE(why.find("is suspended"), std::string::npos) << why;
}

TEST_F(OrdersTest, ADrainedHostWakesNobody) {
    manager.drain(true);
    EXPECT_EQ(manager.wake(www, WakeReason::dns), Woken::refused);
    EXPECT_EQ(manager.status(www)->failure, WakeFailure::drained);
    EXPECT_FALSE(manager.status(www)->retry_at) << "for good";
    EXPECT_EQ(manager.wake_by_command(www, false), Ordered::drained);
    EXPECT_TRUE(backend.builds.empty());
    manager.drain(false);
    EXPECT_EQ(phase(), Phase::asleep);
    EXPECT_EQ(manager.wake(www, WakeReason::dns), Woken::begun);
}

TEST_F(OrdersTest, WhatIsUpStaysWhileTheHostIsDrained) {
    bring_up(7);
    manager.drain(true);
    EXPECT_EQ(phase(), Phase::ready);
    backend.counts = {{www, 0}};
    pass(seconds(80));
    backend.finish_destroy();
    EXPECT_EQ(phase(), Phase::failed);
}

TEST_F(OrdersTest, ServicesThatComeLaterAreDrainedToo) {
    manager.drain(true);
    manager.configure({test::service(www), test::service(12)});
    EXPECT_EQ(phase(12), Phase::failed);
}

TEST_F(OrdersTest, AReportSaysWhenItIsPutAway) {
    bring_up(7);
    const auto report = *manager.report(www);
    EXPECT_EQ(report.stage, service::Stage::ready);
    EXPECT_EQ(report.since, clock.now());
    EXPECT_GT(report.memory_kib, 0u);
    ASSERT_TRUE(report.idle_at);
    EXPECT_GT(*report.idle_at, clock.now());
    EXPECT_EQ(report.status, *manager.status(www));
}

}  // namespace
}  // namespace summond::vm
