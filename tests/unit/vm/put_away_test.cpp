// When a domain is idle, and is destroyed or paused.
#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using std::chrono::seconds;
using test::mail;
using test::service;
using test::www;

class PutAwayTest : public ManagerFixture {
  protected:
    void SetUp() override { manager.configure({service(www), service(mail)}); }
    void reconfigure_www(const std::function<void(service::Template&)>& change) {
        auto changed_service = service(www);
        change(changed_service);
        manager.configure({changed_service, service(mail)});
    }
};

TEST_F(PutAwayTest, IdleDomainIsDestroyedAndTrafficKeepsIt) {
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

TEST_F(PutAwayTest, LastAnswersTtlKeepsAnIdleDomain) {
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

TEST_F(PutAwayTest, ServiceThatIsNeverIdleStays) {
    reconfigure_www([](service::Template& s) { s.idle_after.reset(); });
    bring_up(7);
    backend.counts = {{www, 0}};
    pass(std::chrono::hours(24));
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(PutAwayTest, AnOpenConnectionKeepsTheDomainThatHasIt) {
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

TEST_F(PutAwayTest, RemembersWhatIsPausedOrSaved) {
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

TEST_F(PutAwayTest, NoDomainIsPutAwayWhileTrafficCannotBeRead) {
    bring_up(7);
    backend.traffic_fails = true;
    pass(seconds(600));
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(PutAwayTest, ServiceWithoutInterfaceIsKeptByQueriesAlone) {
    reconfigure_www([](service::Template& s) { s.interfaces.clear(); });
    bring_up(7);
    pass(seconds(80));
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(PutAwayTest, PauseIsUnpausedAtTheNextWake) {
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

TEST_F(PutAwayTest, ShortIdleTimeIsShortWhateverHappenedBefore) {
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

TEST_F(PutAwayTest, AddressGivenOutJustBeforeIdleWakesAgain) {
    bring_up(7);
    backend.counts = {{www, 0}};
    while (phase() == service::Phase::ready)
        pass(seconds(1));
    manager.touch(www);
    EXPECT_EQ(phase(), service::Phase::building);
}

TEST_F(PutAwayTest, OldTouchDoesNotWakeWhatCrashed) {
    bring_up(7);
    backend.die(7, Death::crash);
    backend.finish_destroy();
    manager.touch(www);
    EXPECT_EQ(phase(), service::Phase::asleep);
}

TEST_F(PutAwayTest, FailedDestroyIsTriedAgain) {
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

TEST_F(PutAwayTest, FailedDestroyIsToldSoThatItsNextTryIsNotForgotten) {
    bring_up(7);
    backend.die(7, Death::poweroff);
    changes.clear();
    backend.fail_destroy();
    EXPECT_EQ(changes, std::vector<service::Id>{www});
    EXPECT_EQ(manager.next_deadline(), clock.now()) << "something to follow up";
    manager.tick();
    EXPECT_EQ(manager.next_deadline(), clock.now() + seconds(5));
}

TEST_F(PutAwayTest, DomainOfNoServiceIsDestroyedHoweverOftenThatFails) {
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

}  // namespace
}  // namespace summond::vm
