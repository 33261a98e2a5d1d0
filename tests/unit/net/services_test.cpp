#include "summond/net/services.hpp"

#include <gmock/gmock.h>

#include <set>

#include "net_fixture.hpp"
#include "view.hpp"

namespace summond::net {
namespace {

using answer::Availability;
using service::Phase;
using service::WakeFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::service;
using test::state;
using test::waiting;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t booting = 0;  // in the order of example_settings
constexpr std::uint32_t ready = 1;
constexpr std::uint32_t delay = 2;

class ServicesTest : public testing::Test {
  protected:
    Availability availability(std::uint32_t i) { return services.states()[i].availability; }
    void connect() { services.connect(io, vmm.connect()); }
    void say(const ipc::State& state) {
        vmm.say(state);
        services.receive();
        ASSERT_TRUE(services.is_connected());
    }
    void want(std::uint32_t i) {
        services.want(i, {}, {1});
        services.take_wanted();
    }
    void advance(base::Duration by) {
        clock.advance(by);
        services.run_timers();
    }
    void lose_vmm() {
        vmm.die();
        services.receive();
        ASSERT_FALSE(services.is_connected());
    }

    test::FakeClock clock;
    test::FakeVmm vmm;
    boost::asio::io_context io;
    int changes = 0;
    Services services{test::example_settings(), clock, [this] { ++changes; }};
};

TEST_F(ServicesTest, StartAsleepAndWithoutVmm) {
    EXPECT_EQ(availability(booting), Availability::asleep);
    EXPECT_EQ(services.overdue(), WakeFailure::no_controller);
    EXPECT_FALSE(services.next_timer());
    connect();
    EXPECT_EQ(services.overdue(), WakeFailure::not_ready);
}

TEST_F(ServicesTest, OneWakeHoweverManyWantIt) {
    connect();
    const std::array<std::uint8_t, 4> first{192, 0, 2, 1};
    services.want(booting, first, {1});
    services.want(booting, std::array<std::uint8_t, 4>{192, 0, 2, 2}, {1});
    services.take_wanted();
    EXPECT_EQ(availability(booting), Availability::starting);
    want(booting);
    const auto heard = vmm.hear();
    EXPECT_THAT(heard.wakes, ElementsAre(service("booting")));
    EXPECT_THAT(std::span(heard.clients.at(0).bytes).first(heard.clients.at(0).size),
                testing::ElementsAreArray(first));
    say(state("booting", Phase::building));
    want(booting);
    EXPECT_THAT(vmm.hear().wakes, IsEmpty());
    EXPECT_EQ(changes, 0) << "nobody's answer has changed";
}

TEST_F(ServicesTest, AWakeSaysWhatWasAskedFor) {
    connect();
    services.want(booting, {}, {28});
    services.take_wanted();
    EXPECT_THAT(vmm.hear().query_types, ElementsAre(28));
    say(state("booting", Phase::failed));
    say(state("booting", Phase::asleep));
    services.want(booting, {}, {0});  // one that waits still asks again
    services.take_wanted();
    EXPECT_THAT(vmm.hear().query_types, ElementsAre(28));
}

TEST_F(ServicesTest, VmmIsToldWhoHasWaited) {
    connect();
    services.waited(booting, milliseconds(20));
    services.waited(booting, milliseconds(350));
    services.waited(ready, milliseconds(5));
    services.waited(booting, milliseconds(7));
    services.take_wanted();
    const auto heard = vmm.hear().waited;
    ASSERT_EQ(heard.size(), 2u);
    EXPECT_EQ(heard[0].service, service("booting"));
    EXPECT_EQ(heard[0].queries, 3u);
    EXPECT_EQ(heard[0].longest_us, 350'000);
    EXPECT_EQ(heard[1].queries, 1u);
    services.take_wanted();
    EXPECT_THAT(vmm.hear().waited, IsEmpty()) << "told once";
}

TEST_F(ServicesTest, WhoeverWakesAtOnceIsAnsweredForBeforeItsWake) {
    connect();
    say(waiting("booting"));
    say(waiting("ready"));
    EXPECT_EQ(availability(booting), Availability::waiting);
    EXPECT_EQ(availability(ready), Availability::asleep) << "to be answered when the domain runs";
    want(booting);
    EXPECT_EQ(availability(booting), Availability::answerable);
    say(waiting("booting"));  // said before the Wake was received
    EXPECT_EQ(availability(booting), Availability::answerable);
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
    say(state("booting", Phase::ready));
    advance(2 * Services::wake_patience);
    EXPECT_EQ(availability(booting), Availability::answerable);
    say(waiting("booting"));
    EXPECT_EQ(availability(booting), Availability::waiting);
}

TEST_F(ServicesTest, WhatANewVmmDoesNotKnowIsAsleep) {
    connect();
    say(state("booting", Phase::ready));
    say(state("ready", Phase::ready));
    say(state("delay", Phase::booting, WakeFailure::none, 0, 1500));
    lose_vmm();
    connect();
    services.states()[ready].asked = true;
    say(state("ready", Phase::ready));
    services.send_touches();
    EXPECT_THAT(vmm.hear().touches, ElementsAre(ElementsAre(service("ready"))));
    changes = 0;
    vmm.say_all();
    services.receive();
    EXPECT_EQ(availability(booting), Availability::asleep);
    EXPECT_EQ(availability(ready), Availability::answerable);
    EXPECT_EQ(availability(delay), Availability::asleep);
    EXPECT_EQ(changes, 1) << "whoever is parked for them asks again";
    EXPECT_FALSE(services.next_timer());
    say(state("booting", Phase::ready));
    vmm.say_all();
    services.receive();
    EXPECT_EQ(availability(booting), Availability::answerable);
}

TEST_F(ServicesTest, WithoutNewsOfItsWakeNothingIsAnsweredAnyMore) {
    connect();
    say(waiting("booting"));
    want(booting);
    advance(Services::wake_patience);
    EXPECT_EQ(availability(booting), Availability::asleep);
    say(waiting("booting"));
    lose_vmm();
    EXPECT_EQ(availability(booting), Availability::asleep) << "nobody there to wake it";
}

TEST_F(ServicesTest, AWakeThatTakesNoTimeIsRepeatedToTheNextVmm) {
    connect();
    say(waiting("booting"));
    want(booting);
    lose_vmm();
    EXPECT_EQ(availability(booting), Availability::answerable);
    connect();
    EXPECT_EQ(availability(booting), Availability::answerable);
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
}

TEST_F(ServicesTest, WhoHasBeenAnsweredNeedNotAskAgain) {
    connect();
    say(waiting("booting"));
    services.want(booting, {}, {1, true});  // and before the front's own thread sees it
    lose_vmm();
    services.take_wanted();
    advance(Services::wake_patience);
    EXPECT_EQ(availability(booting), Availability::asleep);
    connect();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")))
        << "the next vmm took longer to come than somebody waits who asks again";
    lose_vmm();
    connect();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting"))) << "that one did nothing, too";
    say(state("booting", Phase::ready));
    lose_vmm();
    connect();
    EXPECT_THAT(vmm.hear().wakes, IsEmpty()) << "it has been woken";
}

TEST_F(ServicesTest, APromiseIsNotKeptForEver) {
    connect();
    say(waiting("booting"));
    want(booting);
    lose_vmm();
    advance(Services::promise_kept);
    connect();
    EXPECT_THAT(vmm.hear().wakes, IsEmpty());
}

TEST_F(ServicesTest, APromisedWakeThatVmmDidNotTakeIsSentAgain) {
    std::vector<Services::Setting> many;
    for (std::uint64_t i = 1; i <= 2000; ++i)
        many.push_back({i, {}});
    Services crowd(many, clock, [] {});
    crowd.connect(io, vmm.connect());
    for (std::uint32_t i = 0; i < many.size(); ++i)
        crowd.want(i, {}, {1, true});
    crowd.take_wanted();
    std::set<service::Id> woken;
    for (int i = 0; i < 100 && woken.size() < many.size(); ++i) {
        for (const service::Id id : vmm.hear().wakes)
            woken.insert(id);
        io.poll();  // it takes messages again
        clock.advance(Services::send_patience);
        crowd.run_timers();
    }
    EXPECT_EQ(woken.size(), many.size());
}

TEST_F(ServicesTest, AnswerBootingAsSoonAsTheDomainRuns) {
    connect();
    want(booting);
    say(state("booting", Phase::building));
    EXPECT_EQ(availability(booting), Availability::starting);
    say(state("booting", Phase::booting));
    EXPECT_EQ(availability(booting), Availability::answerable);
    EXPECT_EQ(changes, 1);
    say(state("booting", Phase::ready));
    EXPECT_EQ(availability(booting), Availability::answerable);
    EXPECT_EQ(changes, 1);
    say(state("booting", Phase::asleep));
    EXPECT_EQ(availability(booting), Availability::asleep);
    EXPECT_FALSE(services.next_timer());
}

TEST_F(ServicesTest, AnswerReadyWhenReady) {
    connect();
    want(ready);
    say(state("ready", Phase::booting));
    EXPECT_EQ(availability(ready), Availability::starting);
    say(state("ready", Phase::ready));
    EXPECT_EQ(availability(ready), Availability::answerable);
}

TEST_F(ServicesTest, AnswerAfterTheDelayCountedFromTheWake) {
    connect();
    want(delay);
    say(state("delay", Phase::booting, WakeFailure::none, 0, 500));
    EXPECT_EQ(availability(delay), Availability::starting);
    EXPECT_EQ(services.next_timer(), clock.now() + milliseconds(1500));
    advance(milliseconds(1499));
    EXPECT_EQ(availability(delay), Availability::starting);
    advance(milliseconds(1));
    EXPECT_EQ(availability(delay), Availability::answerable);
    EXPECT_EQ(changes, 1);
    EXPECT_FALSE(services.next_timer());
}

TEST_F(ServicesTest, DelayHasPassedWhenTheDomainBeginsToRun) {
    connect();
    say(state("delay", Phase::booting, WakeFailure::none, 0, 2000));
    EXPECT_EQ(availability(delay), Availability::answerable);
}

TEST_F(ServicesTest, ReadyEndsTheDelay) {
    connect();
    say(state("delay", Phase::booting));
    say(state("delay", Phase::ready));
    EXPECT_EQ(availability(delay), Availability::answerable);
    EXPECT_FALSE(services.next_timer());
}

TEST_F(ServicesTest, FailureHoldsUntilRetryIsAllowed) {
    connect();
    want(booting);
    say(state("booting", Phase::failed, WakeFailure::no_memory, 3000));
    EXPECT_EQ(availability(booting), Availability::failed);
    EXPECT_EQ(services.states()[booting].failure, WakeFailure::no_memory);
    EXPECT_EQ(changes, 1);
    advance(milliseconds(2999));
    EXPECT_EQ(availability(booting), Availability::failed);
    advance(milliseconds(1));
    EXPECT_EQ(availability(booting), Availability::asleep);
    vmm.hear();
    want(booting);
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
}

TEST_F(ServicesTest, FailureWithoutDelayIsStillHeard) {
    connect();
    say(state("booting", Phase::failed, WakeFailure::crashed, 0));
    services.run_timers();
    EXPECT_EQ(availability(booting), Availability::failed);
    advance(failure_minimum);
    EXPECT_EQ(availability(booting), Availability::asleep);
}

TEST_F(ServicesTest, UnknownServicesAndFailuresDoNoHarm) {
    connect();
    ipc::State unknown = state("ready", Phase::ready);
    unknown.service = 12345;
    say(unknown);
    say(state("booting", static_cast<Phase>(99)));
    EXPECT_EQ(changes, 0);
    ipc::State odd = state("booting", Phase::failed);
    odd.failure = static_cast<WakeFailure>(211);
    say(odd);
    EXPECT_EQ(services.states()[booting].failure, WakeFailure::start_failed);
}

TEST_F(ServicesTest, AsleepThatCrossedTheWakeDoesNotUndoIt) {
    connect();
    want(booting);
    say(state("booting", Phase::asleep));
    EXPECT_EQ(availability(booting), Availability::starting);
}

TEST_F(ServicesTest, WakeWithoutAnswerIsSentAgainWhereStillWanted) {
    connect();
    want(booting);
    want(ready);
    vmm.hear();
    advance(Services::wake_patience);
    EXPECT_EQ(availability(booting), Availability::asleep);
    EXPECT_EQ(availability(ready), Availability::asleep);
    EXPECT_EQ(changes, 1) << "those who wait must look again";
    want(booting);
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
}

TEST_F(ServicesTest, WhatIsUpStaysUpWithoutVmm) {
    connect();
    say(state("booting", Phase::booting));
    say(state("ready", Phase::ready));
    say(state("delay", Phase::booting));
    lose_vmm();
    EXPECT_EQ(services.overdue(), WakeFailure::no_controller);
    EXPECT_EQ(availability(booting), Availability::answerable);
    EXPECT_EQ(availability(ready), Availability::answerable);
    advance(seconds(2));
    EXPECT_EQ(availability(delay), Availability::answerable) << "its domain runs";
}

TEST_F(ServicesTest, WakesWaitForTheNextVmm) {
    connect();
    want(booting);
    want(ready);
    say(state("ready", Phase::building));
    lose_vmm();
    EXPECT_EQ(availability(booting), Availability::starting);
    EXPECT_EQ(availability(ready), Availability::starting);
    connect();
    EXPECT_THAT(vmm.hear().wakes,
                testing::UnorderedElementsAre(service("booting"), service("ready")));
    // The new vmm has not seen them when it says what there is.
    say(state("booting", Phase::asleep));
    say(state("ready", Phase::ready));
    EXPECT_EQ(availability(booting), Availability::starting);
    EXPECT_EQ(availability(ready), Availability::answerable);
}

TEST_F(ServicesTest, TheNextVmmMayComeBeforeTheEndOfTheOneBefore) {
    connect();
    want(booting);
    say(state("booting", Phase::building));
    say(state("ready", Phase::ready));
    vmm.hear();
    connect();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")))
        << "its vmm may say nothing of it";
    EXPECT_EQ(availability(ready), Availability::answerable);
    EXPECT_EQ(services.overdue(), WakeFailure::not_ready);
}

TEST_F(ServicesTest, OldWakesAreNotSentToTheNextVmm) {
    want(booting);
    advance(Services::wake_patience);
    connect();
    EXPECT_THAT(vmm.hear().wakes, IsEmpty());
}

TEST_F(ServicesTest, WakesWantedWhileThereIsNoVmm) {
    want(booting);
    EXPECT_EQ(availability(booting), Availability::starting);
    connect();
    EXPECT_THAT(vmm.hear().wakes, ElementsAre(service("booting")));
}

TEST_F(ServicesTest, VmmThatDoesNotReadIsAskedAgainSoon) {
    std::vector<Services::Setting> many;
    for (std::uint64_t i = 1; i <= 2000; ++i)
        many.push_back({i, {}});
    Services crowd(many, clock, [] {});
    crowd.connect(io, vmm.connect());
    for (std::uint32_t i = 0; i < many.size(); ++i)
        crowd.want(i, {}, {1});
    crowd.take_wanted();
    const std::size_t first = vmm.hear().wakes.size();
    ASSERT_LT(first, many.size()) << "the socket buffer was meant to fill up";
    EXPECT_EQ(crowd.next_timer(), clock.now() + Services::send_patience);
    EXPECT_EQ(crowd.overdue(), WakeFailure::not_ready) << "vmm is busy, not gone";
    io.poll();  // it takes messages again
    clock.advance(Services::send_patience);
    crowd.run_timers();
    for (std::uint32_t i = 0; i < many.size(); ++i) {
        if (crowd.states()[i].availability == Availability::asleep)
            crowd.want(i, {}, {1});
    }
    crowd.take_wanted();
    EXPECT_GT(vmm.hear().wakes.size(), 0u);
}

TEST_F(ServicesTest, ForeignMessageBreaksTheChannel) {
    auto [ours, theirs] = *ipc::Channel::pair(ipc::Role::parent, ipc::Role::vmm);
    services.connect(io, ipc::Channel(theirs.release(), ipc::Role::front, ipc::Role::vmm));
    ASSERT_TRUE(ours.send(ipc::Stop{}));
    services.receive();
    EXPECT_FALSE(services.is_connected());
}

TEST_F(ServicesTest, TouchesWhatWasAskedSinceTheLastTime) {
    services.states()[ready].asked = true;
    services.send_touches();
    EXPECT_TRUE(services.states()[ready].asked) << "kept until there is a vmm";
    connect();
    services.states()[booting].asked = true;
    services.send_touches();
    EXPECT_THAT(vmm.hear().touches, ElementsAre(ElementsAre(service("booting"), service("ready"))));
    services.send_touches();
    EXPECT_THAT(vmm.hear().touches, IsEmpty());
}

TEST_F(ServicesTest, LoadsOfReplicas) {
    connect();
    const auto load = [&] { return services.states()[ready].load.load(); };
    const auto measure = [&](std::uint32_t packets, std::uint32_t spare) {
        vmm.say(ipc::Load{service("ready"), packets, spare});
        services.receive();
    };
    say(state("ready", Phase::booting));
    EXPECT_EQ(load(), answer::spare_replica) << "no better than one that others suffice without";
    measure(7, 0);
    EXPECT_EQ(load(), answer::spare_replica);
    say(state("ready", Phase::ready));
    EXPECT_EQ(load(), 0u);
    measure(1234, 0);
    EXPECT_EQ(load(), 1234u);
    measure(1234, 1);
    EXPECT_EQ(load(), answer::spare_replica);
    measure(UINT32_MAX, 0);
    EXPECT_EQ(load(), answer::spare_replica - 1);
    vmm.say(ipc::Load{99, 1, 0});
    services.receive();
    EXPECT_TRUE(services.is_connected()) << "of a service that is not configured";
}

TEST_F(ServicesTest, TouchesOfManyServicesTakeSeveralMessages) {
    std::vector<Services::Setting> many;
    for (std::uint64_t i = 1; i <= ipc::Touch::capacity + 1; ++i)
        many.push_back({i, {}});
    Services crowd(many, clock, [] {});
    crowd.connect(io, vmm.connect());
    for (auto& state : crowd.states())
        state.asked = true;
    crowd.send_touches();
    const auto touches = vmm.hear().touches;
    ASSERT_EQ(touches.size(), 2u);
    EXPECT_EQ(touches[0].size(), ipc::Touch::capacity);
    EXPECT_THAT(touches[1], ElementsAre(ipc::Touch::capacity + 1));
}

}  // namespace
}  // namespace summond::net
