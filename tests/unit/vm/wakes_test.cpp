// Wakes are counted by reason and with how long they took, however they are done.
#include "summond/vm/wakes.hpp"

#include <gtest/gtest.h>

#include "lifecycle_log.hpp"
#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::IdleAction;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::www;

class WakesTest : public ManagerFixture {
  protected:
    void configure(IdleAction action, std::uint32_t standbys = 0) {
        auto s = test::service(www);
        s.idle_action = action;
        s.restart.reboot = true;
        s.standby = {standbys, service::StandbyStage::booted};
        manager.configure({s});
        manager.tick();
    }
    void wake_in(DomId domid, base::Duration time) {
        manager.wake(www, service::WakeReason::dns);
        clock.advance(time);
        backend.finish_build(domid);
        backend.become_ready(domid);
    }
    void become_idle() {
        backend.counts = {{www, 0}};
        pass(seconds(80));
        ASSERT_EQ(manager.status(www)->phase, service::Phase::asleep);
    }
    std::uint64_t wakes(service::WakeReason why) { return backend.wakes[www].of(why).wakes; }
    base::Duration waited(service::WakeReason why) { return backend.wakes[www].of(why).waited; }
};

TEST_F(WakesTest, ByQueryAndByPacket) {
    configure(IdleAction::pause);
    wake_in(5, milliseconds(400));
    EXPECT_EQ(wakes(service::WakeReason::dns), 1u);
    EXPECT_EQ(waited(service::WakeReason::dns), milliseconds(400));
    become_idle();
    manager.wake(www, service::WakeReason::packet, clock.now() - milliseconds(3));
    EXPECT_EQ(wakes(service::WakeReason::packet), 1u);
    EXPECT_EQ(waited(service::WakeReason::packet), milliseconds(3));
    EXPECT_EQ(wakes(service::WakeReason::dns), 1u);
    EXPECT_EQ(backend.wakes[www].from_standby.wakes, 0u);
}

TEST_F(WakesTest, RestartsAndLaterWakesAddUp) {
    configure(IdleAction::destroy);
    wake_in(5, milliseconds(400));
    backend.die(5, Death::reboot);
    backend.finish_destroy();
    clock.advance(milliseconds(70));
    backend.finish_build(6);
    backend.become_ready(6);
    EXPECT_EQ(wakes(service::WakeReason::restart), 1u);
    EXPECT_EQ(waited(service::WakeReason::restart), milliseconds(70));
    become_idle();
    backend.finish_destroy();
    wake_in(7, milliseconds(500));
    EXPECT_EQ(wakes(service::WakeReason::dns), 2u);
    EXPECT_EQ(waited(service::WakeReason::dns), milliseconds(900));
}

TEST_F(WakesTest, WhatIsResumedInsteadOfSaved) {
    configure(IdleAction::suspend);
    wake_in(5, milliseconds(400));
    become_idle();
    manager.wake(www, service::WakeReason::packet);
    clock.advance(milliseconds(20));
    backend.fail_save();
    EXPECT_EQ(wakes(service::WakeReason::packet), 1u);
    EXPECT_EQ(waited(service::WakeReason::packet), milliseconds(20));
}

TEST_F(WakesTest, FromStandby) {
    configure(IdleAction::destroy, 1);
    backend.finish_standby(5);
    backend.become_ready(5);
    pass(seconds(3));
    manager.wake(www, service::WakeReason::packet);
    EXPECT_EQ(wakes(service::WakeReason::packet), 1u);
    EXPECT_EQ(backend.wakes[www].from_standby.wakes, 1u);
}

TEST_F(WakesTest, AWakeThatFailsIsNone) {
    configure(IdleAction::destroy);
    manager.wake(www, service::WakeReason::dns);
    backend.finish_build(5);
    backend.die(5, Death::crash);
    EXPECT_FALSE(backend.wakes.contains(www));
}

TEST_F(WakesTest, InWords) {
    Wakes all;
    all.of(service::WakeReason::dns).add({});
    EXPECT_EQ(to_string(all), "wake 1: 1 dns");
    all.of(service::WakeReason::packet).add({});
    all.of(service::WakeReason::restart).add({});
    all.of(service::WakeReason::restart).add({});
    all.from_standby.add({});
    EXPECT_EQ(to_string(all), "wake 4: 1 dns, 1 packet, 2 restart; 1 from standby");
}

}  // namespace
}  // namespace summond::vm
