// Domains that are shut down or suspended when they are idle, whatever happens meanwhile.
#include <gtest/gtest.h>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::IdleAction;
using service::WakeFailure;
using std::chrono::minutes;
using std::chrono::seconds;
using test::www;

service::Template service(IdleAction action) {
    auto s = test::service(www);
    s.idle_action = action;
    s.shutdown_timeout = seconds(40);
    return s;
}

class IdleTest : public ManagerFixture {
  protected:
    void bring_up_and_idle(DomId domid) {
        bring_up(domid);
        backend.counts = {{www, 0}};
        pass(seconds(80));
        EXPECT_EQ(phase(), service::Phase::asleep);
    }
    // To disk and destroyed.
    void suspend(DomId domid) {
        bring_up_and_idle(domid);
        backend.finish_save();
        backend.finish_destroy();
    }
    std::string last_call() const { return backend.calls.empty() ? "" : backend.calls.back(); }
    void stop() {
        manager.stop([this] { stopped = true; });
        manager.tick();
    }

    bool stopped = false;
};

class ShutdownTest : public IdleTest {
  protected:
    void SetUp() override { manager.configure({service(IdleAction::shutdown)}); }
};

class SuspendTest : public IdleTest {
  protected:
    void SetUp() override { manager.configure({service(IdleAction::suspend)}); }
};

TEST_F(ShutdownTest, GuestIsAskedAndReaped) {
    bring_up_and_idle(7);
    EXPECT_EQ(last_call(), "shutdown 7");
    EXPECT_TRUE(backend.destroys.empty());
    backend.die(7, Death::poweroff);
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    bring_up(8);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(ShutdownTest, GuestThatIgnoresItIsDestroyedAtTheDeadline) {
    bring_up(7);
    backend.counts = {{www, 0}};
    while (phase() == service::Phase::ready)
        pass(seconds(1));
    pass(seconds(38));
    EXPECT_TRUE(backend.destroys.empty());
    pass(seconds(2));
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    EXPECT_EQ(phase(), service::Phase::asleep);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ShutdownTest, GuestThatCannotBeAskedIsDestroyed) {
    backend.shutdown_fails = true;
    bring_up_and_idle(7);
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ShutdownTest, WakeMeanwhileIsDoneWhenItIsGone) {
    bring_up_and_idle(7);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
    backend.die(7, Death::poweroff);
    EXPECT_EQ(phase(), service::Phase::building);
    EXPECT_TRUE(backend.builds.empty());
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ShutdownTest, WakeMeanwhileIsDoneWhenSomebodyElseDestroysIt) {
    bring_up_and_idle(7);
    manager.wake(www, service::WakeReason::dns);
    backend.die(7, Death::gone);
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ShutdownTest, GuestThatRebootsInsteadIsNotBuiltAgain) {
    bring_up_and_idle(7);
    backend.die(7, Death::reboot);
    backend.finish_destroy();
    EXPECT_EQ(phase(), service::Phase::asleep);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ShutdownTest, StopLeavesItToTheGuest) {
    bring_up_and_idle(7);
    stop();
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(ShutdownTest, RemovedServiceIsDestroyedAtOnce) {
    bring_up_and_idle(7);
    manager.configure({});
    manager.retire_others();
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(SuspendTest, IsSavedDestroyedAndRestored) {
    bring_up_and_idle(7);
    ASSERT_EQ(backend.saves.size(), 1u);
    EXPECT_TRUE(backend.destroys.empty()) << "before its state is in the file";
    backend.finish_save();
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_TRUE(backend.kept.contains(www));
    backend.finish_destroy();
    EXPECT_EQ(phase(), service::Phase::asleep);

    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
    EXPECT_TRUE(backend.builds.empty());
    ASSERT_EQ(backend.restores.size(), 1u);
    backend.finish_restore(8);
    EXPECT_EQ(phase(), service::Phase::booting);
    EXPECT_EQ(last_call(), "unpause 8");
    EXPECT_FALSE(backend.kept.contains(www)) << "it would be older than the running domain";
    backend.become_ready(8);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(SuspendTest, FailedSaveIsTriedAgainAndTheDomainPausedMeanwhile) {
    bring_up_and_idle(7);
    backend.fail_save();
    EXPECT_EQ(phase(), service::Phase::ready);
    pass(seconds(15));
    EXPECT_EQ(last_call(), "pause 7");
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(last_call(), "unpause 7");
    pass(seconds(90));
    EXPECT_EQ(backend.saves.size(), 1u) << "there may be room now";
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(SuspendTest, GuestThatRefusesIsAskedOnce) {
    bring_up_and_idle(7);
    backend.fail_save(true);
    for (int times = 0; times < 5; ++times) {
        pass(seconds(150));
        EXPECT_EQ(last_call(), "pause 7");
        manager.wake(www, service::WakeReason::dns);
        EXPECT_EQ(phase(), service::Phase::ready);
    }
    EXPECT_TRUE(backend.saves.empty());
    manager.configure({service(IdleAction::suspend)});  // perhaps with another kernel
    pass(seconds(80));
    EXPECT_EQ(backend.saves.size(), 1u);
}

TEST_F(SuspendTest, GuestThatRefusesIsDestroyedWhereTheServiceSaysSo) {
    auto fussy = service(IdleAction::suspend);
    fussy.idle_else = IdleAction::destroy;
    manager.configure({fussy});
    bring_up_and_idle(7);
    backend.fail_save(true);
    pass(seconds(20));
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(SuspendTest, TrafficDuringAFailedSaveKeepsItRunning) {
    bring_up_and_idle(7);
    backend.counts = {{www, 1}};
    backend.fail_save(true);
    pass(seconds(45));
    EXPECT_EQ(phase(), service::Phase::ready);
    pass(seconds(40));
    EXPECT_EQ(last_call(), "pause 7");
}

TEST_F(SuspendTest, FailedSaveIsNotTriedAgainWithinAMinute) {
    auto quick = service(IdleAction::suspend);
    quick.idle_after = seconds(2);
    manager.configure({quick});
    bring_up_and_idle(7);
    backend.fail_save();
    pass(seconds(4));
    EXPECT_EQ(last_call(), "pause 7");
    manager.wake(www, service::WakeReason::dns);
    pass(seconds(40));
    EXPECT_TRUE(backend.saves.empty());
    pass(seconds(20));
    manager.wake(www, service::WakeReason::dns);
    pass(seconds(20));
    EXPECT_EQ(backend.saves.size(), 1u);
}

TEST_F(SuspendTest, WakeDuringASaveStopsIt) {
    bring_up_and_idle(7);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
    EXPECT_EQ(last_call(), "stop_saving 7");
    backend.fail_save();
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_TRUE(backend.builds.empty());
    // Nothing was wrong with the save, so it may be repeated as soon as it is idle.
    pass(seconds(80));
    EXPECT_EQ(backend.saves.size(), 1u);
}

TEST_F(SuspendTest, WakeThatComesTooLateToStopTheSaveResumesTheDomain) {
    bring_up_and_idle(7);
    manager.wake(www, service::WakeReason::dns);
    backend.finish_save();
    ASSERT_EQ(backend.resumes.size(), 1u);
    EXPECT_FALSE(backend.kept.contains(www)) << "before it runs";
    EXPECT_TRUE(backend.destroys.empty());
    backend.finish_resume();
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(SuspendTest, DomainThatCannotBeResumedIsBuiltAnew) {
    bring_up_and_idle(7);
    manager.wake(www, service::WakeReason::dns);
    backend.finish_save();
    backend.fail_resume();
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(SuspendTest, WakeWhileItIsDestroyedRestoresIt) {
    bring_up_and_idle(7);
    backend.finish_save();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
    backend.finish_destroy();
    EXPECT_EQ(backend.restores.size(), 1u);
}

TEST_F(SuspendTest, BrokenFileIsRemovedAndTheDomainBuiltAnewInTheSameWake) {
    suspend(7);
    manager.wake(www, service::WakeReason::dns);
    backend.fail_restore(true);
    EXPECT_FALSE(backend.kept.contains(www));
    EXPECT_EQ(phase(), service::Phase::building);
    backend.finish_build(8);
    backend.become_ready(8);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(SuspendTest, RestoreThatFailsForAnotherReasonKeepsTheFile) {
    suspend(7);
    manager.wake(www, service::WakeReason::dns);
    backend.fail_restore(false);
    EXPECT_EQ(manager.status(www)->failure, WakeFailure::no_memory);
    EXPECT_TRUE(backend.kept.contains(www));
    pass(seconds(1));
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.restores.size(), 1u);
}

TEST_F(SuspendTest, DeathAfterAFailedSaveIsReaped) {
    bring_up_and_idle(7);
    backend.die(7, Death::crash);  // not told by a backend that saves; must do no harm
    backend.fail_save();
    backend.die(7, Death::crash);
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(SuspendTest, NewSettingsDuringASaveMakeItUseless) {
    bring_up_and_idle(7);
    auto larger = service(IdleAction::suspend);
    larger.memory_kib = 65536;
    manager.configure({larger});
    EXPECT_EQ(last_call(), "stop_saving 7");
    backend.finish_save();
    EXPECT_FALSE(backend.kept.contains(www));
    backend.finish_destroy();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(SuspendTest, NewSettingsDuringASaveThatAWakeHasStoppedBuildAnew) {
    bring_up_and_idle(7);
    manager.wake(www, service::WakeReason::dns);
    auto larger = service(IdleAction::suspend);
    larger.memory_kib = 65536;
    manager.configure({larger});
    backend.fail_save();
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

// Its file would be restored under settings that it was not built with.
TEST_F(SuspendTest, DomainWithOlderSettingsIsDestroyedInsteadOfSaved) {
    bring_up(7);
    auto larger = service(IdleAction::suspend);
    larger.memory_kib = 65536;
    manager.configure({larger});
    backend.counts = {{www, 0}};
    pass(seconds(80));
    EXPECT_TRUE(backend.saves.empty());
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    bring_up(8);
    pass(seconds(80));
    EXPECT_EQ(backend.saves.size(), 1u);
}

TEST_F(SuspendTest, ServiceRemovedDuringASaveLeavesNothing) {
    bring_up_and_idle(7);
    manager.configure({});
    manager.retire_others();
    EXPECT_EQ(last_call(), "stop_saving 7");
    backend.finish_save();
    EXPECT_FALSE(backend.kept.contains(www));
    backend.finish_destroy();
    manager.tick();
    EXPECT_TRUE(manager.statuses().empty());
}

TEST_F(SuspendTest, ServiceRemovedDuringASaveThatFailsLeavesNothing) {
    bring_up_and_idle(7);
    manager.configure({});
    manager.retire_others();
    backend.fail_save();
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(SuspendTest, StopWaitsForTheEndOfASave) {
    bring_up_and_idle(7);
    stop();
    EXPECT_FALSE(stopped);
    EXPECT_EQ(last_call(), "stop_saving 7");
    backend.fail_save();
    manager.tick();
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(SuspendTest, StopWhenTheSaveIsDoneKeepsTheFile) {
    bring_up_and_idle(7);
    stop();
    backend.finish_save();
    backend.finish_destroy();
    manager.tick();
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.kept.contains(www));
}

TEST_F(SuspendTest, StopDuringARestoreKeepsTheFile) {
    suspend(7);
    manager.wake(www, service::WakeReason::dns);
    stop();
    backend.finish_restore(8);
    EXPECT_TRUE(backend.kept.contains(www));
    backend.finish_destroy();
    manager.tick();
    EXPECT_TRUE(stopped);
}

TEST_F(SuspendTest, AddressGivenOutJustBeforeStopsTheSave) {
    bring_up(7);
    backend.counts = {{www, 0}};
    while (phase() == service::Phase::ready)
        pass(seconds(1));
    manager.touch(www);
    EXPECT_EQ(last_call(), "stop_saving 7");
}

struct AdoptCase {
    Found::Run run;
    bool file;
    bool destroyed;
    bool file_after;
};

class SuspendAdoptTest : public testing::TestWithParam<AdoptCase> {};

// Where a process may have been killed, and what the next one makes of it.
TEST_P(SuspendAdoptTest, LosesNothingAndLeavesNothing) {
    const AdoptCase& c = GetParam();
    test::FakeHypervisor backend;
    test::FakeClock clock;
    NoLedger ledger;
    test::FakeWallClock wall_clock;
    Manager manager(
        backend, clock, wall_clock, [](const service::Status&) {}, ledger);
    manager.configure({service(IdleAction::suspend)});
    backend.existing = {{7, www, true, c.run}};
    if (c.file)
        backend.kept = {www};
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(backend.destroys.size(), c.destroyed ? 1u : 0u);
    EXPECT_EQ(backend.kept.contains(www), c.file_after);
    if (c.destroyed)
        backend.finish_destroy();
    else if (c.run == Found::Run::suspended)
        backend.finish_resume();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.restores.size(), c.file_after ? 1u : 0u);
    EXPECT_EQ(backend.builds.size(), c.destroyed && !c.file_after ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Killed, SuspendAdoptTest,
    testing::Values(AdoptCase{Found::Run::suspended, false, false, false},  // while saving
                    AdoptCase{Found::Run::suspended, true, true, true},     // then, before destroy
                    AdoptCase{Found::Run::paused, true, true, true},        // after the restore
                    AdoptCase{Found::Run::paused, false, false, false},     // before the unpause
                    AdoptCase{Found::Run::running, true, false, false},
                    AdoptCase{Found::Run::running, false, false, false},
                    AdoptCase{Found::Run::dead, false, true, false},
                    AdoptCase{Found::Run::dead, true, true, true}));

}  // namespace
}  // namespace summond::vm
