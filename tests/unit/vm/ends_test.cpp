// Domains that end by themselves or by somebody else's hand, and what is done then.
#include <gtest/gtest.h>

#include <utility>

#include "backoff.hpp"
#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::WakeFailure;
using std::chrono::minutes;
using std::chrono::seconds;
using test::www;
using Run = Found::Run;

class EndsTest : public ManagerFixture {
  protected:
    void SetUp() override {
        service.idle_after = minutes(60);
        service.restart = {.poweroff = true, .reboot = true, .watchdog = true, .crash = true};
        manager.configure({service});
    }
    void end(DomId domid, Death how) {
        backend.die(domid, how);
        backend.finish_destroy();
        manager.tick();
    }
    // The domain ends so; how long nothing is built then.
    seconds ends_and_waits(DomId domid, Death how) {
        end(domid, how);
        seconds waited{0};
        while (backend.builds.empty() && waited < minutes(10)) {
            EXPECT_EQ(manager.status(www)->failure, WakeFailure::keeps_ending);
            manager.wake(www, service::WakeReason::dns);
            EXPECT_TRUE(backend.builds.empty()) << "woken during back-off";
            pass(seconds(1));
            waited += seconds(1);
        }
        return waited;
    }

    service::Template service = test::service(www);
};

TEST_F(EndsTest, ShortLivesInARowAreBuiltAgainLaterAndLater) {
    for (const Death how : {Death::reboot, Death::crash, Death::poweroff, Death::watchdog}) {
        manager.configure({service});
        bring_up(7);
        for (const int wait : {0, 1, 2, 4, 8, 16, 32, 60, 60}) {
            pass(seconds(1));
            EXPECT_EQ(ends_and_waits(7, how), seconds(wait));
            backend.finish_build(7);
            backend.become_ready(7);
        }
        pass(Backoff::long_life);
        EXPECT_EQ(ends_and_waits(7, how), seconds(0)) << "a long life ends the row";
        backend.fail_build(WakeFailure::start_failed);
        pass(minutes(2));
    }
}

TEST_F(EndsTest, BeingReadyDoesNotEndTheRowAndBeingPutAwayDoesNot) {
    service.idle_after = seconds(60);
    manager.configure({service});
    bring_up(7);
    EXPECT_EQ(ends_and_waits(7, Death::crash), seconds(0));
    backend.finish_build(8);
    backend.become_ready(8);
    backend.counts = {{www, 0}};
    pass(seconds(80));
    backend.finish_destroy();
    bring_up(9);
    EXPECT_EQ(ends_and_waits(9, Death::crash), seconds(1));
}

TEST_F(EndsTest, RebootWhileBootingIsDoneAndWhoWaitsGoesOnWaiting) {
    manager.wake(www, service::WakeReason::dns);
    backend.finish_build(7);
    backend.die(7, Death::reboot);
    EXPECT_EQ(phase(), service::Phase::building);
    backend.finish_destroy();
    ASSERT_EQ(backend.builds.size(), 1u);
    backend.finish_build(8);
    EXPECT_EQ(ends_and_waits(8, Death::reboot), seconds(1));
    backend.finish_build(9);
    backend.become_ready(9);
    EXPECT_EQ(backend.wakes[www].of(service::WakeReason::restart).wakes, 1u);
}

TEST_F(EndsTest, WhatIsNotRestartedHasToWaitForItsNextWakeOnlyWhereItCrashed) {
    service.restart = {false, false, false, false};
    manager.configure({service});
    for (const auto& [how, wait] : {std::pair(Death::poweroff, 0), std::pair(Death::reboot, 0),
                                    std::pair(Death::crash, 0), std::pair(Death::poweroff, 0),
                                    std::pair(Death::watchdog, 1), std::pair(Death::crash, 2)}) {
        bring_up(7);
        end(7, how);
        EXPECT_EQ(manager.status(www)->retry_at.value_or(clock.now()) - clock.now(), seconds(wait));
        pass(seconds(wait));
        EXPECT_TRUE(backend.builds.empty());
    }
}

TEST_F(EndsTest, RestartThatWaitsIsForgottenWithItsServiceAndWhenAllStops) {
    const auto wait_for_restart = [&] {
        bring_up(7);
        while (ends_and_waits(7, Death::reboot) == seconds(0)) {
            backend.finish_build(7);
            backend.become_ready(7);
        }
        backend.finish_build(7);
        backend.become_ready(7);
        end(7, Death::reboot);
    };
    wait_for_restart();
    manager.configure({});
    manager.retire_others();
    pass(minutes(2));
    EXPECT_TRUE(backend.builds.empty());
    EXPECT_FALSE(manager.status(www));

    manager.configure({service});
    wait_for_restart();
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(minutes(2));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.builds.empty());
}

class AdminTest : public EndsTest {
  protected:
    void SetUp() override {
        EndsTest::SetUp();
        service.idle_after = seconds(60);
        manager.configure({service});
        backend.counts = {{www, 0}};
        bring_up(7);
    }
    void suspend_by_hand() {
        backend.runs[7] = Run::suspended;
        backend.die(7, Death::suspend);
    }
};

TEST_F(AdminTest, DomainThatSomebodyElseSavesIsLeftAloneUntilItIsGone) {
    suspend_by_hand();
    pass(minutes(30));
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_EQ(phase(), service::Phase::asleep);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building) << "waits for it to be gone";
    EXPECT_TRUE(backend.builds.empty());
    backend.die(7, Death::gone);
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(AdminTest, WakeThatHasWaitedForItTakesAStandbyInstance) {
    service.standby = {1, service::StandbyStage::built};
    manager.configure({service});
    manager.tick();
    backend.finish_standby(8);
    suspend_by_hand();
    manager.wake(www, service::WakeReason::dns);
    backend.die(7, Death::gone);
    EXPECT_EQ(phase(), service::Phase::booting);
    EXPECT_EQ(backend.calls.back(), "woken 8");
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(AdminTest, DomainThatIsGoneWithoutAWordIsNoticed) {
    suspend_by_hand();
    backend.runs[7] = std::nullopt;
    pass(seconds(2));
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(AdminTest, DomainThatIsResumedIsWatchedAndGoesOn) {
    suspend_by_hand();
    manager.wake(www, service::WakeReason::packet);
    backend.runs.clear();
    pass(seconds(2));
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_EQ(backend.calls.back(), "watch 7");
    EXPECT_EQ(backend.wakes[www].of(service::WakeReason::packet).wakes, 1u);
    pass(seconds(80));
    EXPECT_EQ(backend.destroys.size(), 1u) << "idle as any";
}

TEST_F(AdminTest, DomainThatIsResumedWhileItBootsHasYetToBecomeReady) {
    backend.die(7, Death::gone);
    manager.wake(www, service::WakeReason::dns);
    backend.finish_build(7);
    suspend_by_hand();
    backend.runs.clear();
    pass(seconds(2));
    EXPECT_EQ(phase(), service::Phase::booting);
    backend.become_ready(7);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(AdminTest, ServiceThatGoesMeanwhileLeavesTheDomainToWhoSavesIt) {
    suspend_by_hand();
    manager.configure({});
    manager.retire_others();
    pass(minutes(1));
    EXPECT_TRUE(backend.destroys.empty());
    backend.runs.clear();
    pass(seconds(2));
    EXPECT_EQ(backend.destroys.size(), 1u) << "it has come back, and nobody wants it";
}

TEST_F(AdminTest, WhateverItWasDoingWhenThatBegan) {
    backend.die(7, Death::gone);
    manager.wake(www, service::WakeReason::dns);
    backend.finish_build(7);
    suspend_by_hand();
    manager.configure({});
    manager.retire_others();
    backend.runs.clear();
    pass(seconds(2));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(AdminTest, DomainThatSomebodyElseHasPausedIsNotPutAway) {
    backend.runs[7] = Run::paused;
    pass(minutes(10));
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_EQ(phase(), service::Phase::ready);
    backend.runs.clear();
    pass(seconds(20));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(AdminTest, NeitherIsItForSomebodyElse) {
    auto other = service;
    other.id = 22;
    other.name = "other";
    service::Limits limits;
    limits.domains = 1;
    limits.evict = true;
    manager.configure({service, other}, limits);
    backend.runs[7] = Run::paused;
    pass(seconds(10));
    manager.wake(22, service::WakeReason::dns);
    pass(seconds(5));
    EXPECT_TRUE(backend.destroys.empty());
    backend.runs.clear();
    pass(seconds(2));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(AdminTest, NorDoesAnotherProcessTouchWhatSomebodyElseSaves) {
    test::FakeHypervisor next;
    Manager later(
        next, clock, wall_clock, [](const service::Status&) {}, ledger);
    later.configure({service});
    Found found{.domid = 9, .service = www, .complete = true, .run = Run::suspended};
    found.saving = false;
    next.existing = {found};
    next.runs[9] = Run::suspended;
    ASSERT_TRUE(later.adopt());
    test::pass(minutes(1), clock, later);
    EXPECT_TRUE(next.destroys.empty());
    EXPECT_TRUE(next.resumes.empty());
    next.runs.clear();
    test::pass(seconds(2), clock, later);
    EXPECT_EQ(later.status(www)->phase, service::Phase::ready);
}

// xl restore of what xl save has written makes a domain with our UUID, without what we mark.
TEST_F(AdminTest, DomainThatSomebodyElseHasRestoredIsNotAdoptedNorDestroyed) {
    test::FakeHypervisor next;
    Manager later(
        next, clock, wall_clock, [](const service::Status&) {}, ledger);
    later.configure({service});
    next.existing = {{9, www, false, Run::running}};
    ASSERT_TRUE(later.adopt());
    EXPECT_TRUE(next.destroys.empty());
    EXPECT_TRUE(next.calls.empty());
    EXPECT_EQ(later.status(www)->phase, service::Phase::asleep);
}

}  // namespace
}  // namespace summond::vm
