// The lifecycles, with a clock and a backend that do what each test says.
#include "summond/vm/manager.hpp"

#include <gtest/gtest.h>

#include "backoff.hpp"
#include "fake_clock.hpp"
#include "fake_hypervisor.hpp"
#include "pass_time.hpp"

namespace summond::vm {
namespace {

using service::WakeFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr service::Id www = 11;
constexpr service::Id mail = 22;

service::Template service(service::Id id) {
    service::Template s;
    s.id = id;
    s.name = "s" + std::to_string(id);
    s.ipv4 = {base::IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(id)})};
    s.interfaces.resize(1);
    s.ttl = 10;
    s.idle_after = seconds(60);
    s.ready.timeout = seconds(30);
    return s;
}

class ManagerTest : public testing::Test {
  protected:
    void SetUp() override { manager.configure({service(www), service(mail)}); }

    service::Phase phase(service::Id id = www) const { return manager.status(id)->phase; }
    // Lets time pass the way vmm does: from deadline to deadline.
    void pass(base::Duration time) { test::pass(time, clock, manager); }
    // A domain that is ready.
    void bring_up(DomId domid, service::Id id = www) {
        manager.wake(id, service::WakeReason::dns);
        backend.finish_build(domid);
        backend.become_ready(domid);
    }
    void reconfigure_www(const std::function<void(service::Template&)>& change) {
        auto changed_service = service(www);
        change(changed_service);
        manager.configure({changed_service, service(mail)});
    }
    void remove_www() {
        manager.configure({service(mail)});
        manager.retire_others();
    }

    test::FakeHypervisor backend;
    test::FakeClock clock;
    std::vector<service::Id> changes;
    Manager manager{backend, clock,
                    [this](const service::Status& status) { changes.push_back(status.service); }};
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

TEST_F(ManagerTest, IdleDomainIsDestroyedAndTrafficKeepsIt) {
    bring_up(7);
    for (int minute = 0; minute < 5; ++minute) {
        backend.counts = {{www, static_cast<std::uint64_t>(minute + 1)}, {mail, 0}};
        pass(seconds(59));
        ASSERT_EQ(phase(), service::Phase::ready) << minute;
    }
    pass(seconds(80));
    EXPECT_EQ(phase(), service::Phase::asleep);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 7u);
}

TEST_F(ManagerTest, LastAnswersTtlKeepsAnIdleDomain) {
    reconfigure_www([](service::Template& s) { s.ttl = 300; });
    bring_up(7);
    backend.counts = {{www, 0}};
    pass(seconds(100));
    manager.touch(www);
    pass(seconds(299));
    EXPECT_EQ(phase(), service::Phase::ready);
    pass(seconds(20));
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(ManagerTest, ServiceThatIsNeverIdleStays) {
    reconfigure_www([](service::Template& s) { s.idle_after.reset(); });
    bring_up(7);
    backend.counts = {{www, 0}};
    pass(std::chrono::hours(24));
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(ManagerTest, AnOpenConnectionKeepsTheDomainThatHasIt) {
    bring_up(7);
    backend.counts = {{www, 0, seconds(5)}};
    for (int i = 0; i < 20; ++i) {
        pass(seconds(10));
        backend.counts = {{www, 0, seconds(5 + 10 * i)}};
    }
    EXPECT_EQ(phase(), service::Phase::ready);
    backend.counts = {{www, 0, seconds(1000)}};  // of the domain before
    pass(seconds(80));
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(ManagerTest, RemembersWhatIsPausedOrSaved) {
    reconfigure_www([](service::Template& s) { s.idle_action = service::IdleAction::suspend; });
    EXPECT_FALSE(manager.status(www)->remembers);
    bring_up(7);
    backend.counts = {{www, 0}};
    EXPECT_FALSE(manager.status(www)->remembers);
    pass(seconds(80));
    EXPECT_TRUE(manager.status(www)->remembers) << "while it is saved";
    backend.finish_save();
    EXPECT_TRUE(manager.status(www)->remembers);
    backend.finish_destroy();
    EXPECT_TRUE(manager.status(www)->remembers);
    EXPECT_FALSE(manager.status(mail)->remembers);
}

TEST_F(ManagerTest, NoDomainIsPutAwayWhileTrafficCannotBeRead) {
    bring_up(7);
    backend.traffic_fails = true;
    pass(seconds(600));
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(ManagerTest, ServiceWithoutInterfaceIsKeptByQueriesAlone) {
    reconfigure_www([](service::Template& s) { s.interfaces.clear(); });
    bring_up(7);
    pass(seconds(80));
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(ManagerTest, PauseIsUnpausedAtTheNextWake) {
    reconfigure_www([](service::Template& s) { s.idle_action = service::IdleAction::pause; });
    bring_up(7);
    backend.counts = {{www, 0}};
    pass(seconds(80));
    EXPECT_EQ(phase(), service::Phase::asleep);
    EXPECT_TRUE(backend.destroys.empty());
    EXPECT_EQ(backend.calls.back(), "pause 7");
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.calls.back(), "unpause 7");
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ManagerTest, ShortIdleTimeIsShortWhateverHappenedBefore) {
    reconfigure_www([](service::Template& s) {
        s.idle_after = seconds(4);
        s.ttl = 0;
    });
    manager.tick();  // nothing to sample yet
    pass(seconds(1));
    bring_up(7);
    backend.counts = {{www, 3}};
    pass(seconds(1));
    backend.counts = {{www, 5}};
    pass(seconds(1));
    pass(seconds(3));
    EXPECT_EQ(phase(), service::Phase::ready);
    pass(seconds(1));
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(ManagerTest, AddressGivenOutJustBeforeIdleWakesAgain) {
    bring_up(7);
    backend.counts = {{www, 0}};
    while (phase() == service::Phase::ready)
        pass(seconds(1));
    manager.touch(www);
    EXPECT_EQ(phase(), service::Phase::building);
}

TEST_F(ManagerTest, OldTouchDoesNotWakeWhatCrashed) {
    bring_up(7);
    backend.die(7, Death::crash);
    backend.finish_destroy();
    manager.touch(www);
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(ManagerTest, FailedDestroyIsTriedAgain) {
    bring_up(7);
    backend.die(7, Death::poweroff);
    backend.fail_destroy();
    EXPECT_TRUE(backend.destroys.empty());
    pass(seconds(5));
    ASSERT_EQ(backend.destroys.size(), 1u);
    manager.wake(www, service::WakeReason::dns);
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

TEST_F(ManagerTest, FailedDestroyIsToldSoThatItsNextTryIsNotForgotten) {
    bring_up(7);
    backend.die(7, Death::poweroff);
    changes.clear();
    backend.fail_destroy();
    EXPECT_EQ(changes, std::vector<service::Id>{www});
    EXPECT_EQ(manager.next_deadline(), clock.now()) << "something to settle";
    manager.tick();
    EXPECT_EQ(manager.next_deadline(), clock.now() + seconds(5));
}

TEST_F(ManagerTest, DomainOfNoServiceIsDestroyedHoweverOftenThatFails) {
    backend.existing = {{5, 99, true, Found::Run::running}};
    ASSERT_TRUE(manager.adopt());
    for (int tries = 0; tries < 3; ++tries) {
        ASSERT_EQ(backend.destroys.size(), 1u);
        backend.fail_destroy();
        pass(seconds(5));
    }
    backend.finish_destroy();
    pass(seconds(60));
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(ManagerTest, AdoptsCompleteRunningDomainsAndRemovesTheRest) {
    backend.existing = {{3, www, false, Found::Run::paused},
                        {4, www, true, Found::Run::running},
                        {5, 99, true, Found::Run::running},
                        {6, mail, false, Found::Run::paused}};
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(phase(), service::Phase::booting);
    backend.become_ready(4);
    EXPECT_EQ(phase(), service::Phase::ready);
    std::vector<DomId> destroyed;
    for (const auto& d : backend.destroys)
        destroyed.push_back(d.domid);
    EXPECT_EQ(destroyed, (std::vector<DomId>{5, 3, 6}));
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ManagerTest, AdoptsPausedDomainsOnlyOfServicesThatPause) {
    reconfigure_www([](service::Template& s) { s.idle_action = service::IdleAction::pause; });
    backend.existing = {{3, www, true, Found::Run::paused}, {4, mail, true, Found::Run::paused}};
    ASSERT_TRUE(manager.adopt());
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 4u);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.calls.back(), "unpause 3");
}

TEST_F(ManagerTest, AdoptedDeadDomainIsRemovedAndWokenAnew) {
    backend.existing = {{3, www, true, Found::Run::dead}};
    ASSERT_TRUE(manager.adopt());
    manager.wake(www, service::WakeReason::dns);
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

// A front says `booting` before the domain is complete, and goes on saying it while vmm is away.
TEST_F(ManagerTest, AddressGivenOutBeforeLeftoverIsRemovedWakesAnew) {
    backend.existing = {{3, www, false, Found::Run::paused}};
    ASSERT_TRUE(manager.adopt());
    manager.touch(www);
    backend.finish_destroy();
    EXPECT_EQ(backend.builds.size(), 1u);
}

// Until the front that knows it serves no more; and a reload that fails after all has cost nothing.
TEST_F(ManagerTest, RemovedServiceGoesOnUntilItIsRetired) {
    manager.configure({service(mail)});
    bring_up(7);
    manager.configure({service(www), service(mail)});
    manager.retire_others();
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_TRUE(backend.destroys.empty());
}

TEST_F(ManagerTest, RemovedServiceIsDestroyedAndForgotten) {
    bring_up(7);
    remove_www();
    ASSERT_EQ(backend.destroys.size(), 1u);
    manager.wake(www, service::WakeReason::dns);
    // To those who still ask for it.
    EXPECT_EQ(phase(), service::Phase::failed);
    EXPECT_EQ(manager.status(www)->failure, WakeFailure::refused);
    backend.finish_destroy();
    pass(milliseconds(1));
    EXPECT_TRUE(backend.builds.empty());
    EXPECT_FALSE(manager.status(www));
}

TEST_F(ManagerTest, RemovedServiceComesBack) {
    bring_up(7);
    remove_www();
    manager.configure({service(www), service(mail)});
    EXPECT_EQ(phase(), service::Phase::asleep);
    backend.finish_destroy();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
}

TEST_F(ManagerTest, ServiceRemovedWhileBuildingIsDestroyedOnceBuilt) {
    manager.wake(www, service::WakeReason::dns);
    remove_www();
    backend.finish_build(7);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_TRUE(backend.calls.empty()) << "never ran";
}

TEST_F(ManagerTest, NewSettingsLeaveTheRunningDomainNewAddressesEndIt) {
    bring_up(7);
    reconfigure_www([](service::Template& s) { s.memory_kib = 1 << 20; });
    EXPECT_TRUE(backend.destroys.empty());
    reconfigure_www([](service::Template& s) { s.ipv4 = {base::IpAddress::v4({192, 0, 2, 99})}; });
    EXPECT_EQ(backend.destroys.size(), 1u);
}

TEST_F(ManagerTest, StopLeavesDomainsRunning) {
    bring_up(7);
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(milliseconds(1));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.destroys.empty());
    manager.wake(mail, service::WakeReason::dns);
    EXPECT_TRUE(backend.builds.empty());
}

TEST_F(ManagerTest, StopDestroysWhatSaysSoAndWaitsForIt) {
    reconfigure_www([](service::Template& s) { s.destroy_on_exit = true; });
    bring_up(7);
    manager.wake(mail, service::WakeReason::dns);
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(milliseconds(1));
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    pass(milliseconds(1));
    EXPECT_FALSE(stopped) << "mail is still being built";
    backend.finish_build(8);
    ASSERT_EQ(backend.destroys.size(), 1u) << "never left half-way";
    backend.finish_destroy();
    pass(milliseconds(1));
    EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace summond::vm
