// What the ledger is told of wakes and of services, and what a later Manager makes of it.
#include "summond/vm/ledger.hpp"

#include <gtest/gtest.h>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::IdleAction;
using service::WakeFailure;
using service::WakeReason;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::www;

class LedgerTest : public ManagerFixture {
  protected:
    void configure(const std::function<void(service::Template&)>& change = {}) {
        auto s = test::service(www);
        if (change)
            change(s);
        manager.configure({s});
        ASSERT_TRUE(manager.adopt());
    }
    void become_idle() {
        backend.counts = {{www, 0}};
        pass(seconds(80));
        ASSERT_EQ(manager.status(www)->phase, service::Phase::asleep);
    }
};

TEST_F(LedgerTest, AColdWakeWithItsPhases) {
    configure();
    manager.wake(www, WakeReason::dns, clock.now() - milliseconds(5));
    clock.advance(milliseconds(300));
    backend.finish_build(7);
    clock.advance(milliseconds(40));
    backend.become_ready(7);
    ASSERT_EQ(ledger.wakes.size(), 1u);
    const WakeRecord& wake = ledger.wakes[0];
    EXPECT_EQ(wake.number, 1u);
    EXPECT_EQ(wake.service, www);
    EXPECT_EQ(wake.name, "s11");
    EXPECT_EQ(wake.why, WakeReason::dns);
    EXPECT_EQ(wake.how, WakeHow::build);
    EXPECT_EQ(wake.failure, WakeFailure::none);
    EXPECT_EQ(wake.asked_at, clock.now() - milliseconds(345));
    EXPECT_EQ(wake.admitted, milliseconds(5));
    EXPECT_EQ(wake.built, milliseconds(305));
    EXPECT_EQ(wake.unpaused, milliseconds(305));
    EXPECT_EQ(wake.answerable, milliseconds(305));
    EXPECT_EQ(wake.ready, milliseconds(345));
    EXPECT_FALSE(wake.handed_over);
    EXPECT_FALSE(wake.failed);
}

TEST_F(LedgerTest, WhenTheAnswerMayGoOut) {
    configure([](service::Template& s) { s.answer = {service::AnswerWhen::Kind::ready, {}}; });
    manager.wake(www, WakeReason::dns);
    clock.advance(milliseconds(300));
    backend.finish_build(7);
    clock.advance(milliseconds(40));
    backend.become_ready(7);
    EXPECT_EQ(ledger.wakes.at(0).answerable, milliseconds(340));
    become_idle();
    backend.finish_destroy();

    auto s = test::service(www);
    s.answer = {service::AnswerWhen::Kind::delay, milliseconds(900)};
    manager.configure({s});
    bring_up(8);
    EXPECT_EQ(ledger.wakes.at(1).answerable, milliseconds(900));
    become_idle();
    backend.finish_destroy();
    manager.wake(www, WakeReason::packet);
    backend.finish_build(9);
    backend.become_ready(9);
    EXPECT_FALSE(ledger.wakes.at(2).answerable) << "nobody has asked";
}

TEST_F(LedgerTest, ItWaitsForRoom) {
    service::Limits limits;
    limits.domains = 1;
    manager.configure({test::service(www), test::service(test::mail)}, limits);
    bring_up(7, test::mail);
    manager.wake(www, WakeReason::packet);
    pass(seconds(2));
    backend.die(7, Death::poweroff);
    backend.finish_destroy();
    manager.tick();
    backend.finish_build(8);
    backend.become_ready(8);
    EXPECT_EQ(ledger.wakes.at(1).service, www);
    EXPECT_EQ(ledger.wakes.at(1).admitted, seconds(2));
}

TEST_F(LedgerTest, PacketsAreHandedOverOnce) {
    configure([](service::Template& s) { s.wake_packet = true; });
    manager.wake(www, WakeReason::packet);
    backend.finish_build(7);
    backend.become_ready(7);
    clock.advance(milliseconds(8));
    manager.handed_over(www, 3);
    manager.handed_over(www, 4);
    ASSERT_EQ(ledger.wakes.size(), 2u);
    EXPECT_EQ(ledger.wakes[1].number, ledger.wakes[0].number);
    EXPECT_EQ(ledger.wakes[1].handed_over, milliseconds(8));
    EXPECT_EQ(ledger.wakes[1].packets, 3u);
}

TEST_F(LedgerTest, WhoHasWaitedAndTheFirstByte) {
    configure([](service::Template& s) { s.wake_packet = true; });
    manager.wake(www, WakeReason::dns, clock.now(), 28);
    backend.finish_build(7);
    manager.waited(www, 2, milliseconds(300));  // their answer goes out when it runs
    backend.become_ready(7);
    ASSERT_EQ(ledger.wakes.size(), 1u);
    EXPECT_EQ(ledger.wakes[0].query_type, 28);
    EXPECT_EQ(ledger.wakes[0].queries, 2u);
    EXPECT_EQ(ledger.wakes[0].first_waited, milliseconds(300));
    manager.waited(www, 1, milliseconds(310));
    clock.advance(milliseconds(9));
    manager.handed_over(www, 1, milliseconds(400));
    clock.advance(milliseconds(5));
    manager.first_byte(www, clock.now() - milliseconds(2));
    manager.first_byte(www, clock.now());
    ASSERT_EQ(ledger.wakes.size(), 4u) << "the second first byte is none";
    const WakeRecord& wake = ledger.wakes.back();
    EXPECT_EQ(wake.number, 1u);
    EXPECT_EQ(wake.queries, 3u);
    EXPECT_EQ(wake.first_waited, milliseconds(310)) << "of the queries";
    EXPECT_EQ(wake.handed_over, milliseconds(9));
    EXPECT_EQ(wake.first_byte, milliseconds(12));
    EXPECT_EQ(*manager.wake_of_number(1), wake);
    EXPECT_EQ(manager.wake_of_number(2), nullptr);
    EXPECT_EQ(manager.wakes().size(), 1u);
}

TEST_F(LedgerTest, WhoHasWaitedForAPacket) {
    configure([](service::Template& s) { s.wake_packet = true; });
    manager.wake(www, WakeReason::packet);
    backend.finish_build(7);
    backend.become_ready(7);
    manager.handed_over(www, 3, milliseconds(412));
    EXPECT_EQ(ledger.wakes.back().first_waited, milliseconds(412));
    EXPECT_EQ(ledger.wakes.back().queries, 0u);
    EXPECT_EQ(ledger.wakes.back().query_type, 0);
}

TEST_F(LedgerTest, TheFirstByteIsNotBeforeTheHandOver) {
    configure([](service::Template& s) { s.wake_packet = true; });
    manager.wake(www, WakeReason::packet, clock.now());
    backend.finish_build(7);
    backend.become_ready(7);
    clock.advance(milliseconds(9));
    manager.handed_over(www, 1, milliseconds(400));
    manager.first_byte(www, clock.now() - milliseconds(2));
    EXPECT_EQ(ledger.wakes.back().handed_over, milliseconds(9));
    EXPECT_EQ(ledger.wakes.back().first_byte, milliseconds(9));
}

TEST_F(LedgerTest, WhoHasWaitedInVain) {
    configure();
    manager.wake(www, WakeReason::dns, clock.now(), 1);
    backend.fail_build(WakeFailure::no_kernel);
    manager.waited(www, 4, milliseconds(20));
    ASSERT_EQ(ledger.wakes.size(), 2u);
    EXPECT_EQ(ledger.wakes[1].number, 1u);
    EXPECT_EQ(ledger.wakes[1].queries, 4u);
    EXPECT_EQ(ledger.wakes[1].failure, WakeFailure::no_kernel);
    // Nothing that is not asleep any more has woken for the next one.
    pass(seconds(10));
    manager.wake(www, WakeReason::dns);
    backend.fail_build(WakeFailure::no_kernel);
    EXPECT_EQ(ledger.wakes.back().number, 2u);
    EXPECT_EQ(ledger.wakes.back().queries, 0u);
}

TEST_F(LedgerTest, AGuestOfLaterSaysNothingOfTheWakeBefore) {
    configure([](service::Template& s) { s.wake_packet = true; });
    bring_up(7);
    become_idle();
    manager.first_byte(www, clock.now());
    EXPECT_FALSE(ledger.wakes.back().first_byte);
}

TEST_F(LedgerTest, ADomainOfLaterHasNotWokenForThem) {
    configure([](service::Template& s) { s.wake_packet = true; });
    bring_up(7);
    become_idle();
    manager.handed_over(www, 1);
    EXPECT_EQ(ledger.wakes.size(), 1u);
}

TEST_F(LedgerTest, AWakeThatFails) {
    configure();
    manager.wake(www, WakeReason::packet);
    clock.advance(milliseconds(20));
    backend.fail_build(WakeFailure::no_kernel);
    ASSERT_EQ(ledger.wakes.size(), 1u);
    const WakeRecord& wake = ledger.wakes[0];
    EXPECT_EQ(wake.failure, WakeFailure::no_kernel);
    EXPECT_EQ(wake.what, "as the test says");
    EXPECT_EQ(wake.failed, milliseconds(20));
    EXPECT_FALSE(wake.how);
    EXPECT_FALSE(wake.built);
    EXPECT_FALSE(wake.unpaused);
    EXPECT_FALSE(wake.ready);
}

TEST_F(LedgerTest, AWakeThatIsNotReadyInTime) {
    configure();
    manager.wake(www, WakeReason::dns);
    clock.advance(milliseconds(300));
    backend.finish_build(7);
    pass(seconds(31));
    const WakeRecord& wake = ledger.wakes.at(0);
    EXPECT_EQ(wake.failure, WakeFailure::not_ready);
    EXPECT_EQ(wake.unpaused, milliseconds(300));
    EXPECT_EQ(wake.failed, seconds(30) + milliseconds(300));
}

TEST_F(LedgerTest, FromAPausedDomainAndFromAFile) {
    configure([](service::Template& s) { s.idle_action = IdleAction::pause; });
    bring_up(7);
    become_idle();
    manager.wake(www, WakeReason::dns, clock.now() - milliseconds(2));
    const WakeRecord& unpaused = ledger.wakes.at(1);
    EXPECT_EQ(unpaused.number, 2u);
    EXPECT_EQ(unpaused.how, WakeHow::unpause);
    EXPECT_EQ(unpaused.ready, milliseconds(2));
    EXPECT_EQ(unpaused.answerable, milliseconds(2));
    EXPECT_FALSE(unpaused.built) << "long before";
    backend.die(7, Death::gone);
    manager.tick();
    backend.kept.insert(www);
    pass(minutes(2));
    manager.wake(www, WakeReason::dns);
    backend.finish_restore(8);
    backend.become_ready(8);
    EXPECT_EQ(ledger.wakes.at(2).how, WakeHow::restore);
}

TEST_F(LedgerTest, ListenersAreToldAsTheLedgerIs) {
    configure();
    std::vector<std::uint64_t> numbers;
    manager.on_wake([&](const WakeRecord& wake) { numbers.push_back(wake.number); });
    bring_up(7);
    EXPECT_EQ(numbers, std::vector<std::uint64_t>{1});
}

TEST_F(LedgerTest, WhoWasFoundHasNotBeenWoken) {
    backend.existing = {{7, www, true, Found::Run::running}};
    configure();
    backend.become_ready(7);
    EXPECT_TRUE(ledger.wakes.empty());
}

// -- What is kept of a service

TEST_F(LedgerTest, BackOffOutlivesTheProcess) {
    configure();
    for (int i = 0; i < 4; ++i) {
        manager.wake(www, WakeReason::dns);
        backend.fail_build(WakeFailure::no_memory);
        pass(i < 3 ? seconds(10) : seconds(0));
    }
    manager.tick();
    ASSERT_TRUE(ledger.kept.at(www).setback);
    EXPECT_EQ(ledger.kept.at(www).setback->failures, 4u);

    test::FakeHypervisor next;
    test::FakeLedger left;
    left.remembers.services = {ledger.kept.at(www)};
    Manager later(
        next, clock, wall_clock, [](const service::Status&) {}, left);
    later.configure({test::service(www)});
    ASSERT_TRUE(later.adopt());
    EXPECT_EQ(later.status(www)->phase, service::Phase::failed);
    EXPECT_EQ(later.status(www)->failure, WakeFailure::no_memory);
    EXPECT_EQ(later.status(www)->retry_at, clock.now() + seconds(8));
    clock.advance(seconds(8));
    later.wake(www, WakeReason::dns);
    next.fail_build(WakeFailure::no_memory);
    EXPECT_EQ(later.status(www)->retry_at, clock.now() + seconds(16)) << "the fifth in a row";
}

TEST_F(LedgerTest, ABackOffIsNeverLongerThanItCanBe) {
    ledger.remembers.services = {
        {.service = www, .setback = Setback{3, 0, WakeFailure::crashed, clock.now() + hours(9)}}};
    configure();
    EXPECT_EQ(manager.status(www)->retry_at, clock.now() + seconds(60));
}

TEST_F(LedgerTest, LastUseIsKeptNowAndThenWhileInUse) {
    configure();
    bring_up(7);
    manager.tick();
    EXPECT_EQ(ledger.kept.at(www).last_used, clock.now());
    const unsigned before = ledger.times_kept;
    for (unsigned i = 1; i <= 60; ++i) {
        backend.counts = {{www, i}};
        pass(seconds(10));
    }
    EXPECT_GE(ledger.kept.at(www).last_used, clock.now() - minutes(2));
    EXPECT_LE(ledger.times_kept - before, 10u);
}

TEST_F(LedgerTest, NothingIsToldThatIsKnown) {
    configure();
    bring_up(7);
    manager.tick();
    const unsigned before = ledger.times_kept;
    manager.wake(www, WakeReason::dns);
    manager.tick();
    EXPECT_EQ(ledger.times_kept, before);
}

TEST_F(LedgerTest, APausedDomainIsAsOldAsItWas) {
    ledger.remembers.services = {{.service = www, .last_used = clock.now() - minutes(30)}};
    backend.existing = {{7, www, true, Found::Run::paused}};
    configure([](service::Template& s) { s.idle_action = IdleAction::pause; });
    manager.tick();
    EXPECT_EQ(ledger.times_kept, 0u) << "what is known of it is right";
}

TEST_F(LedgerTest, ServicesThatAreNotConfiguredAreForgotten) {
    ledger.remembers.services = {{.service = 4711, .last_used = clock.now()}};
    configure();
    EXPECT_EQ(ledger.forgotten, std::vector<service::Id>{4711});
    manager.configure({});
    manager.retire_others();
    manager.tick();
    EXPECT_EQ(ledger.forgotten, (std::vector<service::Id>{4711, www}));
}

}  // namespace
}  // namespace summond::vm
