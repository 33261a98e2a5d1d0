// Wire's part of what it and vmm tell each other.
#include "summond/wire/follower.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "fake_clock.hpp"
#include "guest.hpp"
#include "packets.hpp"
#include "summond/wire/frame_budget.hpp"

namespace summond::wire {
namespace {

using namespace std::chrono_literals;
using frames::Frame;
using test::ip;
using testing::ElementsAre;
using testing::IsEmpty;

class FollowerTest : public testing::Test, protected Outside {
  protected:
    FollowerTest() {
        follower.new_vmm();
        follower.vmm_speaks();
        follower.put(station());
        follower.told_all();
        done();
    }

    static Station station() { return {www, 0, guest, {ip("10.0.2.50")}, {}, {}, 30s}; }
    void syn(std::uint16_t port = 40000) {
        follower.from_bridge(
            0, test::tcp(guest, client, "10.0.2.60", "10.0.2.50", port, 80, 1, test::syn));
    }
    void guest_speaks() {
        follower.from_guest(www, frames::answer(guest, ip("10.0.2.50"), client, ip("10.0.2.60")));
    }
    // To a client.
    void guest_says() {
        follower.from_guest(
            www, test::tcp(client, guest, "10.0.2.50", "10.0.2.60", 80, 40000, 1, test::ack, 9));
    }
    // Up, and given what was held, if its stack was up before.
    void run(GuestState from, std::uint32_t epoch) {
        follower.set_state(www, from, epoch - 1);
        follower.attach(www);
        done();
        follower.set_state(www, GuestState::running, epoch);
    }
    void pass(base::Duration time) {
        clock.advance(time);
        follower.tick();
    }
    std::vector<std::string> done() { return std::exchange(done_, {}); }

    void to_bridge(unsigned, std::span<const std::uint8_t>) override {
        done_.emplace_back("to bridge");
    }
    void to_guest(service::Id service, std::span<const std::uint8_t>) override {
        done_.push_back(fmt::format("to guest {}", service));
    }
    void close_all() override { done_.emplace_back("close all"); }
    void close_guest(service::Id service) override {
        done_.push_back(fmt::format("close guest {}", service));
    }
    void wake_in(service::Id service, const frames::IpPacket&, bool) override {
        done_.push_back(fmt::format("wake in {}", service));
    }
    void wake(service::Id service, const frames::IpPacket&, bool) override {
        done_.push_back(fmt::format("wake {}", service));
    }
    void handed_over(service::Id service, std::uint32_t epoch, const HandOver& what) override {
        done_.push_back(fmt::format("handed over {}, epoch {}, {} packets{}", service, epoch,
                                    what.packets, what.young ? ", young" : ""));
    }
    void first_byte(service::Id, std::uint32_t epoch) override { first_bytes.push_back(epoch); }
    void grown(service::Id service, std::uint32_t epoch) override {
        done_.push_back(fmt::format("grown {}, epoch {}", service, epoch));
    }

    test::FakeClock clock;
    std::vector<std::string> done_;
    std::vector<std::uint32_t> first_bytes;
    Follower follower{clock, *this, {}};
};

TEST_F(FollowerTest, SaysWhichTurnItAnswers) {
    follower.set_state(www, GuestState::waiting, 4);
    done();
    syn();
    EXPECT_THAT(done(), ElementsAre("wake 7"));
    run(GuestState::waiting, 6);
    EXPECT_THAT(done(), ElementsAre("to guest 7", "handed over 7, epoch 6, 1 packets"));
}

TEST_F(FollowerTest, SaysOfWhichGuestTheFirstByteIs) {
    run(GuestState::waiting, 6);
    guest_says();
    guest_says();
    EXPECT_THAT(first_bytes, ElementsAre(6));
}

TEST_F(FollowerTest, ListensForTheFirstByteOfASlowGuest) {
    run(GuestState::waiting, 6);
    done();
    pass(29s);
    EXPECT_THAT(done(), IsEmpty());
    syn();
    EXPECT_THAT(done(), IsEmpty()) << "the bridge has passed it on";
    guest_says();
    EXPECT_THAT(first_bytes, ElementsAre(6));
    EXPECT_THAT(done(), ElementsAre("close guest 7"));
    EXPECT_FALSE(follower.deadline());
}

TEST_F(FollowerTest, ListensForATimeAndANumberOfFrames) {
    run(GuestState::waiting, 6);
    done();
    pass(29s);
    EXPECT_THAT(done(), IsEmpty());
    pass(1s);
    EXPECT_THAT(done(), ElementsAre("close guest 7"));
    EXPECT_FALSE(follower.deadline());

    run(GuestState::waiting, 8);
    pass(Follower::linger);
    done();
    for (unsigned i = 1; i < Follower::listen_frames; ++i)
        guest_speaks();
    EXPECT_THAT(done(), IsEmpty());
    guest_speaks();
    EXPECT_THAT(done(), ElementsAre("close guest 7"));
    EXPECT_FALSE(follower.deadline());
}

TEST_F(FollowerTest, KeepsTheSocketForWhatIsOnItsWay) {
    run(GuestState::waiting, 2);
    EXPECT_THAT(done(), ElementsAre("handed over 7, epoch 2, 0 packets"));
    guest_says();
    EXPECT_EQ(follower.deadline(), clock.now() + Follower::linger);
    pass(999ms);
    syn();
    EXPECT_THAT(done(), ElementsAre("to guest 7")) << "it was in the tap's queue";
    pass(1ms);
    EXPECT_THAT(done(), ElementsAre("close guest 7"));
    EXPECT_FALSE(follower.deadline());
    syn();
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(FollowerTest, KeepsTheSocketOfAYoungGuestUntilItIsGrown) {
    follower.set_state(www, GuestState::away, 1);
    syn();
    run(GuestState::starting, 3);
    guest_speaks();
    EXPECT_THAT(done(), testing::Contains("handed over 7, epoch 3, 1 packets, young"));
    pass(29s);
    EXPECT_THAT(done(), testing::Each("to guest 7")) << "it may refuse yet what it has been given";
    pass(1s);
    EXPECT_THAT(done(), ElementsAre("grown 7, epoch 3"));
    guest_says();
    pass(Follower::linger);
    EXPECT_THAT(done(), ElementsAre("close guest 7"));
}

TEST_F(FollowerTest, LeavesTheSocketOfALaterGuestAlone) {
    run(GuestState::waiting, 2);
    done();
    run(GuestState::waiting, 4);
    EXPECT_THAT(done(), ElementsAre("handed over 7, epoch 4, 0 packets"));
    pass(500ms);
    follower.set_state(www, GuestState::starting, 5);
    done();
    pass(1h);
    EXPECT_THAT(done(), IsEmpty()) << "epochs 2 and 4 are over";
}

TEST_F(FollowerTest, ClosesTheSocketOfAGuestThatIsNotThere) {
    for (const GuestState state : {GuestState::away, GuestState::kept, GuestState::refused}) {
        run(GuestState::starting, 2);
        done();
        follower.set_state(www, state, 3);
        const auto said = done();
        EXPECT_THAT(said, testing::Contains("close guest 7"));
    }
    follower.remove(www);
    EXPECT_THAT(done(), ElementsAre("close guest 7"));
    syn();
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(FollowerTest, GoesOnWithoutVmmAndBeginsAnewWhenTheNextOneSpeaks) {
    run(GuestState::waiting, 2);
    done();
    follower.new_vmm();
    pass(500ms);
    syn();
    EXPECT_THAT(done(), ElementsAre("to guest 7")) << "nobody has said anything else yet";
    follower.vmm_speaks();
    EXPECT_THAT(done(), ElementsAre("close all"));
    follower.vmm_speaks();
    EXPECT_THAT(done(), IsEmpty()) << "once";
    pass(1h);
    EXPECT_THAT(done(), IsEmpty()) << "nothing of the old vmm's epochs is left to close";
}

TEST_F(FollowerTest, HoldsOnToPacketsForTheNextVmm) {
    follower.set_state(www, GuestState::away, 1);
    syn();
    follower.new_vmm();
    follower.vmm_speaks();
    follower.put(station());
    done();
    clock.advance(1s);
    follower.set_state(www, GuestState::away, 1);
    EXPECT_THAT(done(), testing::Contains("wake 7")) << "somebody waits";
    follower.told_all();
    run(GuestState::waiting, 3);
    EXPECT_THAT(done(), ElementsAre("to guest 7", "handed over 7, epoch 3, 1 packets"));
}

TEST_F(FollowerTest, ForgetsServicesThatTheNextVmmDoesNotName) {
    follower.set_state(www, GuestState::away, 1);
    follower.new_vmm();
    follower.vmm_speaks();
    follower.told_all();
    done();
    syn();
    EXPECT_THAT(done(), IsEmpty());
}

TEST(FrameBudget, TakesABurstAndThenAsMuchAsTimeGives) {
    test::FakeClock clock;
    FrameBudget budget(clock);
    int taken = 0;
    while (budget.take())
        ++taken;
    EXPECT_EQ(taken, static_cast<int>(FrameBudget::burst));
    clock.advance(10ms);
    taken = 0;
    while (budget.take())
        ++taken;
    EXPECT_EQ(taken, 200) << "20,000 a second";
    clock.advance(1h);
    taken = 0;
    while (budget.take())
        ++taken;
    EXPECT_EQ(taken, static_cast<int>(FrameBudget::burst)) << "no more is saved up";
}

}  // namespace
}  // namespace summond::wire
