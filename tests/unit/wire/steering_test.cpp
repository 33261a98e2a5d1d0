// vmm's part of what it and wire tell each other, step by step.
#include "summond/wire/steering.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fake_clock.hpp"
#include "guest.hpp"
#include "packets.hpp"

namespace summond::wire {
namespace {

using namespace std::chrono_literals;
using test::ip;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr service::Id mail = 8;
constexpr std::uint32_t domain = 100;  // its interface is 1100
constexpr std::uint32_t copy = 200;
constexpr int tap_port = 5;

const char* to_string(GuestState state) {
    constexpr const char* names[] = {"away", "kept", "refused", "starting", "running", "waiting"};
    return names[static_cast<std::size_t>(state)];
}

class SteeringTest : public testing::Test, public Ways {
  protected:
    SteeringTest() { steering = std::make_unique<Steering>(clock, *this); }

    static Steered steered(service::Id id = www, std::uint8_t mac = 1) {
        return {id == www ? "www" : "mail",
                "xenbr0",
                {id, 0, {0, 0x16, 0x3e, 0, 0, mac}, {ip("10.0.2.50")}, {}, {}, 30s}};
    }
    // Wire knows of www, which is away.
    void begin() {
        guests[www] = {};
        steering->configure({steered()}, guests);
        done();
    }
    void becomes(GuestState state, std::optional<std::uint32_t> of = {},
                 service::Id service = www) {
        guests[service] = Guest{state, of};
        steering->changed(service, guests[service]);
    }
    // A guest that boots and is ready. What is left to be said of it is up to wire.
    void boot() {
        becomes(GuestState::starting);
        becomes(GuestState::starting, domain);
        becomes(GuestState::running, domain);
        done();
    }
    void pass(base::Duration time) {
        clock.advance(time);
        steering->tick();
    }
    std::vector<std::string> done() { return std::exchange(done_, {}); }

    // True: wire takes it.
    bool tell(const std::string& what) {
        if (wire_is_full) {
            ++refused;
            return false;
        }
        done_.push_back(what);
        return true;
    }
    bool put(const Station& station) override {
        return tell(fmt::format("put {} on tap {}", station.service, station.tap));
    }
    bool remove(service::Id service) override { return tell(fmt::format("remove {}", service)); }
    bool set_state(service::Id service, GuestState state, std::uint32_t epoch) override {
        return tell(fmt::format("{} {}, epoch {}", service, to_string(state), epoch));
    }
    bool told_all() override { return tell("told all"); }
    Bridge bridge(const std::string& name) override {
        if (unusable_bridges.contains(name))
            return {Done::no, 0, 0};
        return {wire_is_full ? Done::later : Done::yes, 3, tap_port};
    }
    Done attach(service::Id service, int interface) override {
        if (cannot_attach)
            return Done::no;
        return tell(fmt::format("attach {} to {}", service, interface)) ? Done::yes : Done::later;
    }
    std::optional<int> interface_of(std::uint32_t of) override {
        ++looks_at_interfaces;
        if (gone.contains(of))
            return std::nullopt;
        return static_cast<int>(of) + 1000;
    }
    bool forwards(int interface) override {
        ++looks_at_ports;
        return !blocking.contains(interface);
    }
    bool send_to(const Steered& service, int port, bool pinned) override {
        done_.push_back(fmt::format("{} goes to {}{}", service.name,
                                    port == tap_port ? "wire" : std::to_string(port),
                                    pinned ? ", pinned" : ""));
        return !cannot_steer;
    }
    void forget(const frames::Mac& mac, int port) override {
        done_.push_back(fmt::format("forget MAC {} at {}", mac[5], port));
    }
    bool hold_resets(int interface, bool hold) override {
        done_.push_back(fmt::format("{} resets of {}", hold ? "hold" : "pass", interface));
        return !cannot_hold;
    }

    test::FakeClock clock;
    std::map<service::Id, Guest> guests;
    bool wire_is_full = false;
    int refused = 0;
    std::set<std::string> unusable_bridges;
    std::set<std::uint32_t> gone;  // somebody has taken their interfaces away
    std::set<int> blocking;        // interfaces whose ports pass nothing yet
    int looks_at_ports = 0, looks_at_interfaces = 0;
    bool cannot_attach = false, cannot_steer = false, cannot_hold = false;
    std::vector<std::string> done_;
    std::unique_ptr<Steering> steering;
};

// -- From nothing to a guest that runs

TEST_F(SteeringTest, TellsOfASleepingServiceAndHasItsPacketsGoToWireFirst) {
    guests[www] = {};
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(), ElementsAre("put 7 on tap 3", "www goes to wire, pinned", "7 away, epoch 1",
                                    "told all"));
    steering->changed(www, guests[www]);
    EXPECT_THAT(done(), IsEmpty()) << "nothing is new";
}

TEST_F(SteeringTest, GoesWithAGuestThatBoots) {
    begin();
    becomes(GuestState::starting);
    EXPECT_THAT(done(), ElementsAre("7 starting, epoch 2"));
    becomes(GuestState::starting, domain);
    EXPECT_THAT(done(), ElementsAre("attach 7 to 1100", "hold resets of 1100"));
    becomes(GuestState::running, domain);
    EXPECT_THAT(done(), ElementsAre("7 running, epoch 3")) << "its packets go to wire yet";
    EXPECT_TRUE(steering->handed_over(www, 3, true));
    EXPECT_THAT(done(), ElementsAre("www goes to 1100"));
    steering->grown(www, 3);
    EXPECT_THAT(done(), ElementsAre("pass resets of 1100"));
    EXPECT_FALSE(steering->deadline());
    becomes(GuestState::away);
    EXPECT_THAT(done(), ElementsAre("www goes to wire, pinned", "7 away, epoch 4"));
}

TEST_F(SteeringTest, PassesResetsAtOnceOfAGuestThatHasNothingToRefuse) {
    begin();
    boot();
    EXPECT_TRUE(steering->handed_over(www, 3, false));
    EXPECT_THAT(done(), ElementsAre("www goes to 1100", "pass resets of 1100"));
}

TEST_F(SteeringTest, StandsUpForAGuestThatRunsAlready) {
    guests[www] = {GuestState::running, domain};
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(), ElementsAre("put 7 on tap 3", "attach 7 to 1100", "hold resets of 1100",
                                    "7 running, epoch 1", "told all"))
        << "the vmm of before may have held them, too";
    EXPECT_TRUE(steering->handed_over(www, 1, false));
    EXPECT_THAT(done(), ElementsAre("www goes to 1100", "pass resets of 1100"));
}

TEST_F(SteeringTest, HoldsTheResetsOfAGuestWhoseInterfaceIsSeenOnlyWhenItRuns) {
    begin();
    gone.insert(domain);
    becomes(GuestState::starting, domain);
    EXPECT_THAT(done(), ElementsAre("7 starting, epoch 2"));
    gone.clear();
    becomes(GuestState::running, domain);
    EXPECT_THAT(done(),
                ElementsAre("attach 7 to 1100", "hold resets of 1100", "7 running, epoch 3"));
}

TEST_F(SteeringTest, FollowsAGuestThatFails) {
    begin();
    becomes(GuestState::starting, domain);
    done();
    becomes(GuestState::refused, domain);
    EXPECT_THAT(done(), ElementsAre("pass resets of 1100", "7 refused, epoch 3"));
    becomes(GuestState::starting, domain + 1);
    EXPECT_THAT(done(),
                ElementsAre("attach 7 to 1101", "hold resets of 1101", "7 starting, epoch 4"))
        << "another guest";
}

// -- The fast path: a copy that waits, or a guest that was paused

TEST_F(SteeringTest, SteersBeforeItTellsWireWhereAGuestKnowsNobodyWhoWaits) {
    begin();
    becomes(GuestState::waiting, copy);
    EXPECT_THAT(done(), ElementsAre("attach 7 to 1200", "7 waiting, epoch 2"))
        << "attached beforehand";
    becomes(GuestState::running, copy);
    EXPECT_THAT(done(), ElementsAre("www goes to 1200", "7 running, epoch 3"));
    EXPECT_EQ(looks_at_ports, 1) << "beforehand, too";
    EXPECT_FALSE(steering->deadline()) << "nobody hands over";
    EXPECT_TRUE(steering->handed_over(www, 3, false));
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SteeringTest, AsksNothingBetweenTheWakeOfACopyAndItsFirstPacket) {
    begin();
    becomes(GuestState::waiting, copy);
    done();
    const int asked = looks_at_ports + looks_at_interfaces;
    becomes(GuestState::running, copy);
    EXPECT_EQ(looks_at_ports + looks_at_interfaces, asked);
    EXPECT_THAT(done(), ElementsAre("www goes to 1200", "7 running, epoch 3"))
        << "what wire holds it gives to the guest beside that";
    EXPECT_TRUE(steering->handed_over(www, 3, false));
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SteeringTest, WaitsForThePortOfACopyThatWasNotReadyForIt) {
    begin();
    blocking = {1200};
    becomes(GuestState::waiting, copy);
    done();
    becomes(GuestState::running, copy);
    EXPECT_THAT(done(), ElementsAre("hold resets of 1200", "7 starting, epoch 3"));
    blocking.clear();
    pass(Steering::forwarding_interval);
    EXPECT_THAT(done(), ElementsAre("7 running, epoch 4"));
}

TEST_F(SteeringTest, AttachesAKeptGuestWhenItGoesOn) {
    begin();
    boot();
    steering->handed_over(www, 3, false);
    becomes(GuestState::kept);
    becomes(GuestState::starting, domain);
    done();
    becomes(GuestState::kept);
    EXPECT_THAT(done(), ElementsAre("pass resets of 1100", "7 kept, epoch 6"));
    becomes(GuestState::running, domain);
    EXPECT_THAT(done(), ElementsAre("attach 7 to 1100", "www goes to 1100", "7 running, epoch 7"));
}

// -- What wire says need not be true

TEST_F(SteeringTest, IgnoresAnswersToTurnsThatAreOver) {
    begin();
    boot();
    EXPECT_FALSE(steering->handed_over(www, 2, false));
    EXPECT_FALSE(steering->handed_over(www, 4, false));
    steering->grown(www, 2);
    EXPECT_FALSE(steering->handed_over(mail, 3, false));
    steering->grown(mail, 3);
    steering->refused(mail);
    EXPECT_THAT(done(), IsEmpty());
    becomes(GuestState::away);
    done();
    EXPECT_FALSE(steering->handed_over(www, 3, false)) << "that guest is no more";
    EXPECT_FALSE(steering->handed_over(www, 4, false)) << "nothing to hand over to";
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SteeringTest, TakesAnAnswerAgainWithoutHarm) {
    begin();
    boot();
    EXPECT_TRUE(steering->handed_over(www, 3, true));
    EXPECT_TRUE(steering->handed_over(www, 3, true));
    steering->grown(www, 3);
    steering->grown(www, 3);
    EXPECT_THAT(done(), ElementsAre("www goes to 1100", "pass resets of 1100"));
}

TEST_F(SteeringTest, RepeatsThatNothingIsToWait) {
    begin();
    becomes(GuestState::refused);
    done();
    steering->refused(www);
    EXPECT_THAT(done(), ElementsAre("7 refused, epoch 3"));
    steering->changed(www, guests[www]);
    EXPECT_THAT(done(), IsEmpty());
}

// -- Time

TEST_F(SteeringTest, LeavesOutAWireThatDoesNotHandOver) {
    begin();
    boot();
    EXPECT_EQ(steering->deadline(), clock.now() + Steering::longest_hand_over);
    pass(999ms);
    EXPECT_THAT(done(), IsEmpty());
    pass(1ms);
    EXPECT_THAT(done(), ElementsAre("www goes to 1100"));
    EXPECT_TRUE(steering->handed_over(www, 3, true)) << "late, but of this epoch";
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SteeringTest, PassesTheResetsOfAYoungGuestInTheEndByItself) {
    begin();
    boot();
    steering->handed_over(www, 3, true);
    done();
    EXPECT_EQ(steering->deadline(), clock.now() + 30s + Steering::grown_grace);
    pass(30s);
    EXPECT_THAT(done(), IsEmpty());
    pass(Steering::grown_grace);
    EXPECT_THAT(done(), ElementsAre("pass resets of 1100"));
    EXPECT_FALSE(steering->deadline());
}

TEST_F(SteeringTest, ForgetsLimitsOfAGuestThatIsNoMore) {
    begin();
    boot();
    becomes(GuestState::away);
    done();
    EXPECT_FALSE(steering->deadline());
    pass(1h);
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SteeringTest, HandsOverWhenThePortPassesSomething) {
    begin();
    blocking = {1100};
    becomes(GuestState::starting, domain);
    done();
    becomes(GuestState::running, domain);
    EXPECT_THAT(done(), IsEmpty()) << "a packet's answer would be lost";
    EXPECT_EQ(steering->deadline(), clock.now() + Steering::forwarding_interval);
    pass(Steering::forwarding_interval);
    EXPECT_THAT(done(), IsEmpty());
    blocking.clear();
    pass(Steering::forwarding_interval);
    EXPECT_THAT(done(), ElementsAre("7 running, epoch 3"));
    pass(500ms);
    EXPECT_EQ(looks_at_ports, 3) << "not again";
}

// -- Where something cannot be done

TEST_F(SteeringTest, LeavesServicesOfABridgeThatCannotBeUsedAlone) {
    unusable_bridges = {"xenbr0"};
    guests[www] = {};
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(), ElementsAre("told all"));
    unusable_bridges.clear();
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(),
                ElementsAre("put 7 on tap 3", "www goes to wire, pinned", "7 away, epoch 1"));
}

TEST_F(SteeringTest, TriesAgainWhatTheKernelHasRefused) {
    begin();
    cannot_attach = cannot_hold = true;
    becomes(GuestState::starting, domain);
    EXPECT_THAT(done(), ElementsAre("7 starting, epoch 2"));
    cannot_attach = false;
    steering->changed(www, guests[www]);
    EXPECT_THAT(done(), ElementsAre("attach 7 to 1100", "hold resets of 1100"));
    cannot_hold = false;
    steering->changed(www, guests[www]);
    EXPECT_THAT(done(), ElementsAre("hold resets of 1100"));
    becomes(GuestState::running, domain);
    steering->handed_over(www, 3, false);
    done();
    cannot_steer = true;
    becomes(GuestState::away);
    EXPECT_THAT(done(), ElementsAre("www goes to wire, pinned", "7 away, epoch 4"));
    cannot_steer = false;
    steering->changed(www, guests[www]);
    EXPECT_THAT(done(), ElementsAre("www goes to wire, pinned"));
}

TEST_F(SteeringTest, GetsByWithoutAnInterface) {
    begin();
    gone = {domain};
    becomes(GuestState::starting, domain);
    EXPECT_THAT(done(), ElementsAre("7 starting, epoch 2"));
    becomes(GuestState::running, domain);
    EXPECT_TRUE(steering->handed_over(www, 3, false));
    EXPECT_THAT(done(), ElementsAre("7 running, epoch 3"));
}

// -- A wire that takes no messages

TEST_F(SteeringTest, KeepsOnlyWhatIsNewForAWireThatTakesNothing) {
    begin();
    wire_is_full = true;
    becomes(GuestState::starting, domain);
    becomes(GuestState::running, domain);
    becomes(GuestState::away);
    becomes(GuestState::starting, domain + 1);
    EXPECT_THAT(done(), IsEmpty());
    EXPECT_EQ(refused, 0) << "its bridge said so, and nobody has asked again";
    wire_is_full = false;
    steering->writable();
    EXPECT_THAT(done(),
                ElementsAre("attach 7 to 1101", "hold resets of 1101", "7 starting, epoch 2"));
}

TEST_F(SteeringTest, TellsAllOnceWireHasTakenTheRest) {
    wire_is_full = true;
    guests[www] = {};
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(), IsEmpty());
    wire_is_full = false;
    steering->writable();
    EXPECT_THAT(done(), ElementsAre("put 7 on tap 3", "www goes to wire, pinned", "7 away, epoch 1",
                                    "told all"));
    steering->writable();
    EXPECT_THAT(done(), IsEmpty());
}

// -- Services that come and go

TEST_F(SteeringTest, ForgetsServicesThatPacketsWakeNoMore) {
    begin();
    becomes(GuestState::starting, domain);
    done();
    steering->configure({}, guests);
    EXPECT_THAT(done(), ElementsAre("forget MAC 1 at 5", "pass resets of 1100", "remove 7"));
    EXPECT_EQ(steering->find(www), nullptr);
    steering->changed(www, guests[www]);
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SteeringTest, TellsOfChangedParticularsAnew) {
    begin();
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(), IsEmpty()) << "nothing has changed";
    guests[mail] = {};
    steering->configure({steered(www, 2), steered(mail, 3)}, guests);
    EXPECT_THAT(done(), ElementsAre("forget MAC 1 at 5", "put 7 on tap 3",
                                    "www goes to wire, pinned", "7 away, epoch 1", "put 8 on tap 3",
                                    "mail goes to wire, pinned", "8 away, epoch 1"));
}

TEST_F(SteeringTest, LeavesNoResetsHeldWhenWireIsGone) {
    begin();
    becomes(GuestState::starting, domain);
    done();
    steering.reset();
    EXPECT_THAT(done(), ElementsAre("pass resets of 1100"));
    steering = std::make_unique<Steering>(clock, *this);
    steering->configure({steered()}, guests);
    EXPECT_THAT(done(), ElementsAre("put 7 on tap 3", "attach 7 to 1100", "hold resets of 1100",
                                    "www goes to wire, pinned", "7 starting, epoch 1", "told all"))
        << "another wire is told everything";
}

}  // namespace
}  // namespace summond::wire
