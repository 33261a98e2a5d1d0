// Wakes, failures and deaths.
#include "backoff.hpp"
#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::WakeFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::mail;
using test::service;
using test::www;

class ManagerTest : public ManagerFixture {
  protected:
    void SetUp() override { manager.configure({service(www), service(mail)}); }
    void reconfigure_www(const std::function<void(service::Template&)>& change) {
        auto changed_service = service(www);
        change(changed_service);
        manager.configure({changed_service, service(mail)});
    }
};

TEST_F(ManagerTest, WakesThroughBuildingAndBootingToReady) {
    EXPECT_EQ(phase(), service::Phase::asleep);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
    backend.finish_build(7);
    EXPECT_EQ(phase(), service::Phase::booting);
    EXPECT_EQ(backend.calls, std::vector<std::string>{"unpause 7"});
    backend.become_ready(7);
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_EQ(phase(mail), service::Phase::asleep);
}

TEST_F(ManagerTest, ManyWakesAreOneBuild) {
    for (int i = 0; i < 200; ++i)
        manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
    backend.finish_build(7);
    manager.wake(www, service::WakeReason::dns);
    backend.become_ready(7);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ManagerTest, BuildsOfDifferentServicesOverlap) {
    manager.wake(www, service::WakeReason::dns);
    manager.wake(mail, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 2u);
}

TEST_F(ManagerTest, UnknownServicesAreIgnored) {
    manager.wake(33, service::WakeReason::dns);
    manager.touch(33);
    EXPECT_TRUE(backend.builds.empty());
    EXPECT_FALSE(manager.status(33));
}

TEST_F(ManagerTest, FailedBuildBacksOffTwiceAsLongEachTime) {
    for (const auto backoff : {1, 2, 4, 8, 16, 32, 60, 60}) {
        manager.wake(www, service::WakeReason::dns);
        ASSERT_EQ(backend.builds.size(), 1u);
        backend.fail_build(WakeFailure::no_memory);
        const auto status = *manager.status(www);
        EXPECT_EQ(status.phase, service::Phase::failed);
        EXPECT_EQ(status.failure, WakeFailure::no_memory);
        EXPECT_EQ(*status.retry_at - clock.now(), seconds(backoff));
        pass(seconds(backoff) - milliseconds(1));
        manager.wake(www, service::WakeReason::dns);
        EXPECT_TRUE(backend.builds.empty()) << "woken during back-off";
        pass(milliseconds(1));
        EXPECT_EQ(phase(), service::Phase::asleep);
    }
    bring_up(7);
    backend.die(7, Death::poweroff);
    backend.finish_destroy();
    manager.wake(www, service::WakeReason::dns);
    backend.fail_build(WakeFailure::start_failed);
    EXPECT_EQ(*manager.status(www)->retry_at - clock.now(), seconds(1))
        << "a good wake ends the row";
}

TEST_F(ManagerTest, WakeDuringBackoffIsAnsweredByAChange) {
    manager.wake(www, service::WakeReason::dns);
    backend.fail_build(WakeFailure::no_kernel);
    changes.clear();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(changes, std::vector<service::Id>{www});
}

TEST_F(ManagerTest, DomainThatCannotBeUnpausedIsDestroyed) {
    backend.unpause_fails = true;
    manager.wake(www, service::WakeReason::dns);
    backend.finish_build(7);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 7u);
    EXPECT_EQ(phase(), service::Phase::failed);
}

TEST_F(ManagerTest, DomainThatIsNotReadyInTimeIsDestroyed) {
    manager.wake(www, service::WakeReason::dns);
    backend.finish_build(7);
    pass(seconds(30) - milliseconds(1));
    EXPECT_EQ(phase(), service::Phase::booting);
    pass(milliseconds(1));
    EXPECT_EQ(phase(), service::Phase::failed);
    EXPECT_EQ(manager.status(www)->failure, WakeFailure::not_ready);
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ManagerTest, DeathWhileBootingFailsTheWakeWhateverItsReason) {
    reconfigure_www([](service::Template& s) { s.restart.reboot = false; });
    int backoff = 1;
    const std::pair<Death, WakeFailure> ends[] = {{Death::crash, WakeFailure::crashed},
                                                  {Death::poweroff, WakeFailure::powered_off},
                                                  {Death::reboot, WakeFailure::rebooted},
                                                  {Death::watchdog, WakeFailure::crashed}};
    for (const auto& [how, failure] : ends) {
        manager.wake(www, service::WakeReason::dns);
        backend.finish_build(7);
        backend.die(7, how);
        EXPECT_EQ(manager.status(www)->failure, failure);
        ASSERT_EQ(backend.destroys.size(), 1u) << "not reaped";
        backend.finish_destroy();
        EXPECT_TRUE(backend.builds.empty());
        EXPECT_EQ(*manager.status(www)->retry_at - clock.now(), seconds(backoff));
        pass(seconds(backoff));
        EXPECT_EQ(phase(), service::Phase::asleep);
        backoff *= 2;
    }
}

TEST_F(ManagerTest, CrashIsReapedAndTheNextWakeBuildsAnew) {
    bring_up(7);
    backend.die(7, Death::crash);
    EXPECT_EQ(phase(), service::Phase::asleep);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building) << "wanted again, once the old one is gone";
    EXPECT_TRUE(backend.builds.empty()) << "not before the old one is gone";
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ManagerTest, DomainDestroyedByTheAdministratorIsAsleepAtOnce) {
    bring_up(7);
    backend.die(7, Death::gone);
    EXPECT_EQ(phase(), service::Phase::asleep);
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(ManagerTest, RebootIsDoneForTheGuest) {
    bring_up(7);
    backend.die(7, Death::reboot);
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ManagerTest, RestartsAsTheServiceSays) {
    const auto builds_after = [&](Death how) {
        bring_up(7);
        pass(Backoff::long_life);
        backend.die(7, how);
        backend.finish_destroy();
        const std::size_t builds = backend.builds.size();
        if (builds > 0)
            backend.fail_build(WakeFailure::start_failed);
        pass(seconds(60));
        return builds;
    };
    reconfigure_www([](service::Template& s) { s.idle_after.reset(); });
    EXPECT_EQ(builds_after(Death::poweroff), 0u);
    EXPECT_EQ(builds_after(Death::crash), 0u);
    reconfigure_www([](service::Template& s) {
        s.idle_after.reset();
        s.restart = {true, false, true, true};
    });
    EXPECT_EQ(builds_after(Death::poweroff), 1u);
    EXPECT_EQ(builds_after(Death::reboot), 0u);
    EXPECT_EQ(builds_after(Death::crash), 1u);
    EXPECT_EQ(builds_after(Death::watchdog), 1u);
}

TEST_F(ManagerTest, PreservedDomainsAreLeftToOthers) {
    reconfigure_www([](service::Template& s) {
        s.preserve = {.reboot = true, .crash = true};
        s.restart.crash = false;
    });
    bring_up(7);
    backend.die(7, Death::crash);
    EXPECT_EQ(backend.calls.back(), "preserve 7");
    EXPECT_TRUE(backend.destroys.empty()) << "it is nobody's of ours any more";
    EXPECT_EQ(phase(), service::Phase::asleep);
    EXPECT_TRUE(backend.builds.empty()) << "preserve is not rename-restart";
    bring_up(8);
    pass(std::chrono::minutes(6));  // long enough not to be a life that has to wait for its next
    backend.die(8, Death::reboot);  // which is restarted by default
    EXPECT_EQ(backend.calls.back(), "preserve 8");
    ASSERT_EQ(backend.builds.size(), 1u);
    backend.finish_build(9);
    backend.become_ready(9);
    backend.preserve_fails = true;  // there is one already
    backend.die(9, Death::crash);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 9u);
}

}  // namespace
}  // namespace summond::vm
