// Standby domains: made, woken, replaced, given back, adopted.
#include <gtest/gtest.h>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::StandbyStage;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::mail;
using test::www;
using Calls = std::vector<std::string>;

service::Template service(service::Id id, std::uint32_t standbys,
                          StandbyStage stage = StandbyStage::booted) {
    auto s = test::service(id);
    s.standby = {standbys, stage};
    return s;
}

class StandbyTest : public ManagerFixture {
  protected:
    void configure(const std::vector<service::Instance>& services,
                   const service::Limits& limits = {}) {
        manager.configure(services, limits);
        pass(milliseconds(0));
    }
    // The copy that is being made is booted and waits.
    void finish_booted(DomId domid) {
        ASSERT_EQ(backend.standbys.size(), 1u);
        backend.finish_standby(domid);
        backend.become_ready(domid);
        pass(seconds(3));
    }
    Calls calls() { return std::exchange(backend.calls, {}); }
};

TEST_F(StandbyTest, BootsACopyPausesItWhenReadyAndMarksItThen) {
    configure({service(www, 1)});
    ASSERT_EQ(backend.standbys.size(), 1u);
    EXPECT_EQ(backend.standbys[0].number, 1u);
    backend.finish_standby(5);
    EXPECT_EQ(calls(), Calls{"unpause 5"});
    EXPECT_TRUE(backend.marks.empty()) << "not ready yet";
    backend.become_ready(5);
    pass(milliseconds(2999));
    EXPECT_TRUE(backend.marks.empty()) << "it may have more to do";
    pass(milliseconds(1));
    EXPECT_EQ(calls(), (Calls{"pause 5", "rest 5"}));
    EXPECT_EQ(phase(), service::Phase::asleep);
    pass(seconds(100));
    EXPECT_TRUE(backend.standbys.empty()) << "one is enough";
    EXPECT_TRUE(backend.destroys.empty()) << "however long it waits";
}

TEST_F(StandbyTest, IsAskedForAPageBeforeItRestsWhateverComesOfThat) {
    const auto asked_for = [&](service::ReadyTcp how) {
        auto web = service(www, 1);
        web.ready.how = how;
        configure({web});
        backend.finish_standby(5);
        backend.become_ready(5);
        const auto* asked = std::get_if<service::ReadyTcp>(&backend.awaited_as[5]);
        const std::string path = backend.awaited.contains(5) && asked ? asked->http_path : "";
        pass(seconds(3));
        EXPECT_TRUE(backend.marks.contains(5)) << "no answer, and it rests all the same";
        backend.marks.clear();
        configure({});
        backend.finish_destroy();
        return path;
    };
    EXPECT_EQ(asked_for({80}), "/");
    EXPECT_EQ(asked_for({8080}), "/");
    EXPECT_EQ(asked_for({25}), "") << "no web server, as far as anybody knows";
    EXPECT_EQ(asked_for({80, "/health"}), "") << "has answered that already";
}

TEST_F(StandbyTest, WokenInTwoStepsAndReadyAtOnce) {
    configure({service(www, 1)});
    finish_booted(5);
    calls();
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(calls(), (Calls{"unpause 5", "join 5", "woken 5"}));
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_TRUE(backend.builds.empty());
    pass(milliseconds(1999));
    EXPECT_TRUE(backend.standbys.empty()) << "the client first";
    pass(milliseconds(1));
    ASSERT_EQ(backend.standbys.size(), 1u) << "refilled";
    EXPECT_EQ(backend.standbys[0].number, 2u) << "never that of one that runs";
    backend.die(5, Death::poweroff);
    EXPECT_EQ(backend.destroys.at(0).domid, 5u) << "it is the service's domain";
}

TEST_F(StandbyTest, TellsThatItsServiceWouldWakeAtOnce) {
    configure({service(www, 1)});
    EXPECT_FALSE(manager.status(www)->at_once);
    finish_booted(5);
    EXPECT_TRUE(manager.status(www)->at_once);
    EXPECT_EQ(manager.status(www)->standby, 5u);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_FALSE(manager.status(www)->at_once);
    EXPECT_FALSE(manager.status(www)->standby);
    backend.die(5, Death::poweroff);
    backend.finish_destroy();
    pass(seconds(2));
    finish_booted(6);
    EXPECT_TRUE(manager.status(www)->at_once);
    backend.kept.insert(www);
    EXPECT_FALSE(manager.status(www)->at_once) << "it is restored instead";
    backend.kept.clear();
    backend.die(6, Death::crash);
    EXPECT_FALSE(manager.status(www)->at_once);
}

TEST_F(StandbyTest, ABuiltCopyHasYetToBoot) {
    configure({service(www, 1, StandbyStage::built)});
    backend.finish_standby(5);
    EXPECT_FALSE(manager.status(www)->at_once);
}

TEST_F(StandbyTest, BuiltCopyBootsWhenWoken) {
    configure({service(www, 1, StandbyStage::built)});
    backend.finish_standby(5);
    EXPECT_EQ(calls(), Calls{"rest 5"}) << "it has not run";
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(calls(), (Calls{"unpause 5", "join 5", "woken 5"}));
    EXPECT_EQ(phase(), service::Phase::booting);
    backend.become_ready(5);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(StandbyTest, OneAtATimeAndNeverWhileAWakeIsInProgress) {
    configure({service(www, 2), service(mail, 0)});
    EXPECT_EQ(backend.standbys.size(), 1u);
    manager.wake(mail, service::WakeReason::dns);
    finish_booted(5);
    EXPECT_TRUE(backend.standbys.empty()) << "mail is being built";
    backend.finish_build(6);
    pass(milliseconds(0));
    EXPECT_TRUE(backend.standbys.empty()) << "mail boots";
    backend.become_ready(6);
    pass(milliseconds(0));
    EXPECT_EQ(backend.standbys.size(), 1u);
    finish_booted(7);
    EXPECT_TRUE(backend.standbys.empty());
}

TEST_F(StandbyTest, WakeDoesNotWaitForACopyThatIsNotReady) {
    configure({service(www, 1)});
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
    backend.finish_build(6);
    backend.become_ready(6);
    finish_booted(5);
    EXPECT_EQ(phase(), service::Phase::ready);
}

TEST_F(StandbyTest, CopyThatIsLeftAloneForAMomentMayDieOrBeGivenBack) {
    configure({service(www, 1), service(mail, 1)});
    backend.finish_standby(5);
    backend.become_ready(5);
    pass(milliseconds(0));
    EXPECT_EQ(backend.standbys.size(), 1u) << "the next one does not wait for that";
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u);
    backend.die(5, Death::crash);
    EXPECT_EQ(backend.destroys.at(0).domid, 5u);
    backend.finish_standby(6);
    backend.become_ready(6);
    configure({service(www, 1), service(mail, 0)});
    EXPECT_EQ(backend.destroys.at(1).domid, 6u);
}

TEST_F(StandbyTest, CopyThatCannotBeWokenIsReplacedByTheNextOne) {
    configure({service(www, 2)});
    finish_booted(5);
    finish_booted(6);
    backend.join_fails = true;
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(phase(), service::Phase::building);
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.join_fails = false;
    backend.finish_destroy();
    EXPECT_EQ(phase(), service::Phase::ready);
    EXPECT_EQ(backend.calls.back(), "woken 6");
}

TEST_F(StandbyTest, FailuresBackOff) {
    configure({service(www, 1)});
    backend.fail_standby();
    pass(milliseconds(4999));
    EXPECT_TRUE(backend.standbys.empty());
    pass(milliseconds(1));
    ASSERT_EQ(backend.standbys.size(), 1u);
    backend.finish_standby(5);
    pass(seconds(30));
    ASSERT_EQ(backend.destroys.size(), 1u) << "not ready in time";
    backend.finish_destroy();
    pass(milliseconds(9999));
    EXPECT_TRUE(backend.standbys.empty()) << "twice as long";
    pass(milliseconds(1));
    EXPECT_EQ(backend.standbys.size(), 1u);
    EXPECT_EQ(phase(), service::Phase::asleep) << "that is no failure of the service";
}

TEST_F(StandbyTest, DeadCopyIsReaped) {
    configure({service(www, 1)});
    finish_booted(5);
    backend.die(5, Death::crash);
    ASSERT_EQ(backend.destroys.size(), 1u);
    manager.wake(www, service::WakeReason::dns);
    EXPECT_EQ(backend.builds.size(), 1u) << "it is not woken";
}

TEST_F(StandbyTest, NewSettingsReplaceCopies) {
    configure({service(www, 1)});
    finish_booted(5);
    auto changed = service(www, 1);
    changed.ttl = 99;
    configure({changed});
    EXPECT_TRUE(backend.destroys.empty()) << "standbys do not know the ttl";
    changed.cmdline = "--other";
    configure({changed});
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    pass(milliseconds(0));
    finish_booted(6);
    configure({});
    EXPECT_EQ(backend.destroys.at(0).domid, 6u);
}

TEST_F(StandbyTest, SettingsThatChangeWhileItIsBuilt) {
    configure({service(www, 1)});
    auto changed = service(www, 1);
    changed.cmdline = "--other";
    configure({changed});
    backend.finish_standby(5);
    EXPECT_EQ(backend.destroys.at(0).domid, 5u);
    EXPECT_TRUE(calls().empty()) << "it never ran";
}

TEST_F(StandbyTest, Budget) {
    service::Limits limits;
    limits.standby_memory_kib = 45 * 1024;  // room for two
    configure({service(www, 3)}, limits);
    finish_booted(5);
    finish_booted(6);
    EXPECT_TRUE(backend.standbys.empty());
    limits.standby_memory_kib = 25 * 1024;
    configure({service(www, 3)}, limits);
    ASSERT_EQ(backend.destroys.size(), 1u);
    EXPECT_EQ(backend.destroys[0].domid, 5u) << "the oldest";
}

TEST_F(StandbyTest, AdoptsOnlyWhatIsKnownToBeFresh) {
    configure({service(www, 1)});
    finish_booted(5);
    const std::string mark = backend.marks.at(5);
    const auto left = [&](DomId domid, Found::Run run, std::string with) {
        return Found{domid, www, true, run, std::move(with), domid};
    };
    test::FakeHypervisor next;
    next.existing = {left(5, Found::Run::running, ""), left(6, Found::Run::paused, ""),
                     left(7, Found::Run::paused, "built" + mark.substr(6)),
                     left(8, Found::Run::paused, mark), left(9, Found::Run::paused, mark)};
    Manager manager2(
        next, clock, wall_clock, [](const service::Status&) {}, ledger);
    manager2.configure({service(www, 1)});
    ASSERT_TRUE(manager2.adopt());
    EXPECT_EQ(next.calls, (Calls{"adopt 8", "rest 8"}));
    std::set<DomId> gone;
    for (const auto& destroy : next.destroys)
        gone.insert(destroy.domid);
    EXPECT_EQ(gone, (std::set<DomId>{5, 6, 7, 9}));
    manager2.wake(www, service::WakeReason::dns);
    EXPECT_EQ(next.calls.back(), "woken 8");
    while (!next.destroys.empty())
        next.finish_destroy();
    clock.advance(seconds(2));
    manager2.tick();
    ASSERT_EQ(next.standbys.size(), 1u);
    EXPECT_EQ(next.standbys[0].number, 10u) << "of no domain that may be there";
}

TEST_F(StandbyTest, CopyThatRunsHadBeenWokenWhenTheLastProcessEnded) {
    configure({service(www, 1)});
    finish_booted(5);
    test::FakeHypervisor next;
    next.existing = {{5, www, true, Found::Run::running, backend.marks.at(5), 1}};
    Manager manager2(
        next, clock, wall_clock, [](const service::Status&) {}, ledger);
    manager2.configure({service(www, 1)});
    ASSERT_TRUE(manager2.adopt());
    EXPECT_EQ(next.calls, (Calls{"adopt 5", "join 5", "woken 5"}));
    next.become_ready(5);
    EXPECT_EQ(manager2.status(www)->phase, service::Phase::ready);
    EXPECT_TRUE(next.destroys.empty());
}

TEST_F(StandbyTest, StopDestroysCopies) {
    configure({service(www, 2)});
    finish_booted(5);
    bool stopped = false;
    manager.stop([&] { stopped = true; });
    pass(milliseconds(0));
    ASSERT_EQ(backend.destroys.size(), 1u);
    backend.finish_destroy();
    pass(milliseconds(0));
    EXPECT_FALSE(stopped) << "one is still being built";
    backend.finish_standby(6);
    backend.finish_destroy();
    pass(milliseconds(0));
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(backend.standbys.empty());
}

}  // namespace
}  // namespace summond::vm
