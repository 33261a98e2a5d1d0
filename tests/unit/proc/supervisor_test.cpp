// What a daemon does with its children, with children that are lines in a list.

#include "summond/proc/supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fake_clock.hpp"

namespace summond::proc {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Exit well{false, 0};
constexpr Exit killed{true, 9};

// As the daemon's own: one that runs once, one that others need, one that can be done without, and
// one that is replaced at a reload.
constexpr RoleIndex loader = 0, engine = 1, helper = 2, server = 3;
constexpr Role table[] = {
    {.name = "loader", .once = true},
    {.name = "engine", .needed = true, .ended_within = 60s},
    {.name = "helper", .ready_within = 20s},
    {.name = "server",
     .needed = true,
     .ready_within = 30s,
     .drained_within = 40s,
     .ended_within = 5s},
};
constexpr Peers peers[] = {{server, engine}, {helper, engine}};

class SupervisorTest : public testing::Test, protected Children {
  protected:
    SupervisorTest() {
        for (const RoleIndex role : {engine, helper, server})
            supervisor.want(role, true);
    }

    // What has been done since the last call.
    std::vector<std::string> done() { return std::exchange(done_, {}); }
    // The newest of that role that has not ended.
    ChildId newest(RoleIndex role) const {
        ChildId found = 0;
        for (const auto& [id, of] : alive_)
            if (of == role)
                found = id;
        return found;
    }
    void run() {
        supervisor.start();
        for (const RoleIndex role : {engine, helper, server})
            supervisor.ready(newest(role));
        done();
    }
    void die(ChildId child, Exit exit = killed) {
        supervisor.ended(child, exit);
        alive_.erase(child);
    }
    void pass(base::Duration time) {
        clock.advance(time);
        supervisor.tick();
    }

    bool start(ChildId child, RoleIndex role, Place place, Priority priority) override {
        const std::string what = std::string(place == Place::next ? "next " : "") +
                                 std::string(table[role].name) +
                                 (priority == Priority::background ? " in the background" : "");
        if (cannot_start_.contains(role)) {
            done_.push_back("cannot start " + what);
            return false;
        }
        alive_[child] = role;
        done_.push_back("start " + what);
        return true;
    }
    Connected connect(ChildId a, ChildId b) override {
        done_.push_back("connect " + name(a) + " " + name(b));
        return {!deaf_.contains(a), !deaf_.contains(b)};
    }
    bool drain(ChildId child) override {
        done_.push_back("drain " + name(child) +
                        (supervisor.serving(alive_.at(child)) ? ", replaced" : ""));
        return !deaf_.contains(child);
    }
    bool end(ChildId child) override {
        done_.push_back("end " + name(child));
        return !deaf_.contains(child);
    }
    void kill(ChildId child) override { done_.push_back("kill " + name(child)); }
    std::string name(ChildId child) const override {
        return std::string(table[alive_.at(child)].name) + std::to_string(child);
    }
    void all_ready() override { done_.emplace_back("all ready"); }
    void start_failed() override {
        done_.emplace_back("start failed");
        supervisor.stop();
    }
    void replacement_ready() override { done_.emplace_back("replacement ready"); }
    void replaced() override { done_.emplace_back("replaced"); }
    void replacement_failed(const std::string& why) override {
        done_.push_back("replacement failed: " + why);
    }
    void finished(RoleIndex role, Exit exit) override {
        done_.push_back(std::string(table[role].name) + " finished, " + exit.to_string());
    }
    void all_ended() override { done_.emplace_back("all ended"); }

    test::FakeClock clock;
    std::map<ChildId, RoleIndex> alive_;
    std::set<RoleIndex> cannot_start_;
    std::set<ChildId> deaf_;  // take no messages
    std::vector<std::string> done_;
    Supervisor supervisor{table, peers, clock, *this};
};

// -- Start

TEST_F(SupervisorTest, StartsInTheOrderOfTheTableAndConnectsPeers) {
    supervisor.start();
    EXPECT_THAT(done(), ElementsAre("start engine", "start helper", "connect helper2 engine1",
                                    "start server", "connect server3 engine1"));
}

TEST_F(SupervisorTest, IsReadyWhenAllAre) {
    supervisor.start();
    done();
    supervisor.ready(newest(server));
    supervisor.ready(newest(helper));
    EXPECT_THAT(done(), IsEmpty());
    supervisor.ready(newest(engine));
    EXPECT_THAT(done(), ElementsAre("all ready"));
    EXPECT_EQ(supervisor.phase(), Supervisor::Phase::running);
    EXPECT_FALSE(supervisor.deadline());
}

TEST_F(SupervisorTest, DoesWithoutRolesThatAreNotWanted) {
    supervisor.want(engine, false);
    supervisor.want(helper, false);
    supervisor.start();
    EXPECT_THAT(done(), ElementsAre("start server"));
    supervisor.ready(newest(server));
    EXPECT_THAT(done(), ElementsAre("all ready"));
}

TEST_F(SupervisorTest, SaysReadyOnce) {
    run();
    EXPECT_FALSE(supervisor.ready(newest(server))) << "it has said so";
    EXPECT_FALSE(supervisor.ready(99));
}

TEST_F(SupervisorTest, EndsWhenANeededOneEndsBeforeTheDaemonIsReady) {
    supervisor.start();
    done();
    die(newest(server));
    EXPECT_THAT(done(), ElementsAre("start failed", "kill helper2", "end engine1"));
    die(newest(helper));
    die(newest(engine), well);
    EXPECT_THAT(done(), ElementsAre("all ended"));
}

TEST_F(SupervisorTest, EndsWhenANeededOneCannotBeStarted) {
    cannot_start_ = {engine};
    supervisor.start();
    EXPECT_THAT(done(), ElementsAre("cannot start engine", "start failed", "all ended"))
        << "nobody else is started";
}

TEST_F(SupervisorTest, DoesWithoutOneThatIsNotNeededUntilTheDaemonIsReady) {
    supervisor.start();
    supervisor.ready(newest(engine));
    supervisor.ready(newest(server));
    done();
    die(newest(helper));
    EXPECT_THAT(done(), ElementsAre("start helper", "connect helper4 engine1", "all ready"));
}

TEST_F(SupervisorTest, KillsWhatDoesNotBecomeReady) {
    supervisor.start();
    done();
    pass(19s);
    EXPECT_THAT(done(), IsEmpty());
    pass(1s);
    EXPECT_THAT(done(), ElementsAre("kill helper2"));
    pass(10s);
    EXPECT_THAT(done(), ElementsAre("kill server3"));
    pass(1h);
    EXPECT_THAT(done(), IsEmpty()) << "the engine may take as long as it likes";
}

TEST_F(SupervisorTest, LimitsAnUnneededOneAtTheDaemonsStartOnly) {
    run();
    die(newest(helper));
    pass(0s);
    done();
    pass(1h);
    EXPECT_THAT(done(), IsEmpty());
    die(newest(server));
    pass(0s);
    done();
    pass(30s);
    EXPECT_THAT(done(), ElementsAre("kill server5"));
}

// -- Death

TEST_F(SupervisorTest, StartsAgainWhatHasDiedAndConnectsItAnew) {
    run();
    die(newest(engine));
    EXPECT_EQ(supervisor.deadline(), clock.now()) << "at once, the first time";
    pass(0s);
    EXPECT_THAT(done(),
                ElementsAre("start engine", "connect engine4 server3", "connect engine4 helper2"));
    supervisor.ready(newest(engine));
    EXPECT_THAT(done(), IsEmpty());
}

TEST_F(SupervisorTest, BacksOffFromOneThatKeepsDying) {
    run();
    std::vector<base::Duration> delays;
    for (int i = 0; i < 10; ++i) {
        die(newest(server));
        delays.push_back(*supervisor.deadline() - clock.now());
        pass(delays.back());
    }
    EXPECT_THAT(delays, ElementsAre(0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5s, 5s, 5s));
    supervisor.ready(newest(server));
    pass(10s);
    die(newest(server));
    EXPECT_EQ(supervisor.deadline(), clock.now()) << "it has lived long";
}

TEST_F(SupervisorTest, BacksOffFromOneThatCannotBeStarted) {
    run();
    cannot_start_ = {helper};
    die(newest(helper));
    pass(0s);
    EXPECT_THAT(done(), ElementsAre("cannot start helper"));
    pass(99ms);
    EXPECT_THAT(done(), IsEmpty());
    cannot_start_.clear();
    pass(1ms);
    EXPECT_THAT(done(), ElementsAre("start helper", "connect helper5 engine1"));
}

TEST_F(SupervisorTest, LeavesAloneWhatIsNotWantedAnyMoreAndDoesNotStartItAgain) {
    run();
    supervisor.want(helper, false);
    pass(1s);
    EXPECT_THAT(done(), IsEmpty());
    die(newest(helper));
    pass(1h);
    EXPECT_THAT(done(), IsEmpty());
    EXPECT_FALSE(supervisor.deadline());
}

TEST_F(SupervisorTest, KillsWhatTakesNoMessages) {
    run();
    const ChildId stuck = newest(server);
    deaf_ = {stuck};
    die(newest(engine));
    pass(0s);
    EXPECT_THAT(done(), ElementsAre("start engine", "connect engine4 server3", "kill server3",
                                    "connect engine4 helper2"));
    die(stuck);
    pass(0s);
    EXPECT_THAT(done(), ElementsAre("start server", "connect server5 engine4"));
    deaf_ = {newest(engine)};
    supervisor.takes_no_messages(newest(engine));
    EXPECT_THAT(done(), ElementsAre("kill engine4"));
    die(newest(helper));
    pass(0s);
    EXPECT_THAT(done(), ElementsAre("start helper")) << "nobody is connected to one that is killed";
}

TEST_F(SupervisorTest, KillsWhatClosesItsChannelAndDoesNotEnd) {
    run();
    supervisor.channel_closed(newest(helper));
    pass(Supervisor::orphan_limit - 1s);
    EXPECT_THAT(done(), IsEmpty());
    pass(1s);
    EXPECT_THAT(done(), ElementsAre("kill helper2"));
}

// -- Once

TEST_F(SupervisorTest, RunsOnceWhatIsAskedFor) {
    ASSERT_TRUE(supervisor.run_once(loader));
    EXPECT_THAT(done(), ElementsAre("start loader"));
    die(newest(loader), {false, 2});
    EXPECT_THAT(done(), ElementsAre("loader finished, exit status 2"));
    run();
    ASSERT_TRUE(supervisor.run_once(loader));
    EXPECT_THAT(done(), ElementsAre("start loader in the background"));
    die(newest(loader), killed);
    pass(1h);
    EXPECT_THAT(done(), ElementsAre("loader finished, killed by signal 9 (KILL)"))
        << "nobody starts it again";
    cannot_start_ = {loader};
    EXPECT_FALSE(supervisor.run_once(loader));
}

// -- Reload

TEST_F(SupervisorTest, ReplacesBesideTheOneThatServes) {
    run();
    const ChildId old = newest(server);
    supervisor.replace();
    EXPECT_THAT(done(),
                ElementsAre("start next server in the background", "connect server4 engine1"));
    EXPECT_EQ(supervisor.serving(server), old);
    supervisor.ready(newest(server));
    EXPECT_THAT(done(), ElementsAre("replacement ready"));
    EXPECT_EQ(supervisor.serving(server), old) << "until it is told to";
    supervisor.take_over();
    EXPECT_THAT(done(), ElementsAre("drain server3, replaced"));
    EXPECT_EQ(supervisor.serving(server), newest(server));
    EXPECT_TRUE(supervisor.taking_over());
    EXPECT_TRUE(supervisor.quiet(old));
    EXPECT_THAT(done(), ElementsAre("replaced"));
    EXPECT_FALSE(supervisor.taking_over());
    EXPECT_FALSE(supervisor.quiet(old)) << "it has said so";
    die(old, well);
    EXPECT_THAT(done(), IsEmpty());
    EXPECT_FALSE(supervisor.deadline());
}

TEST_F(SupervisorTest, HasReplacedWhatEndsWithoutAWord) {
    run();
    supervisor.replace();
    supervisor.ready(4);
    supervisor.take_over();
    supervisor.quiet(3);
    // One of the reload before may take as long as it likes by now.
    supervisor.replace();
    supervisor.ready(5);
    supervisor.take_over();
    done();
    EXPECT_TRUE(supervisor.quiet(5)) << "nobody waits for the one that serves";
    EXPECT_THAT(done(), IsEmpty());
    die(4);
    EXPECT_THAT(done(), ElementsAre("replaced"));
    EXPECT_FALSE(supervisor.quiet(4));
}

TEST_F(SupervisorTest, StartsWhatAReloadWantsFirst) {
    supervisor.want(engine, false);
    supervisor.want(helper, false);
    supervisor.start();
    supervisor.ready(newest(server));
    done();
    supervisor.want(engine, true);
    supervisor.replace();
    EXPECT_THAT(done(),
                ElementsAre("start engine", "connect engine2 server1",
                            "start next server in the background", "connect server3 engine2"));
}

TEST_F(SupervisorTest, KeepsTheOneThatServesWhenItsSuccessorDies) {
    run();
    supervisor.replace();
    done();
    die(newest(server));
    EXPECT_THAT(done(), ElementsAre("replacement failed: the new server4 ended with killed by "
                                    "signal 9 (KILL) before it was ready"));
    EXPECT_EQ(supervisor.serving(server), newest(server));
    EXPECT_FALSE(supervisor.deadline()) << "nobody starts it again";
    cannot_start_ = {server};
    supervisor.replace();
    EXPECT_THAT(done(), ElementsAre("cannot start next server in the background",
                                    "replacement failed: the new server cannot be started"));
}

TEST_F(SupervisorTest, KillsASuccessorThatDoesNotBecomeReady) {
    run();
    supervisor.replace();
    done();
    pass(30s);
    EXPECT_THAT(done(), ElementsAre("kill server4"));
}

TEST_F(SupervisorTest, StartsTheOneThatServedAgainWhileItsSuccessorStarts) {
    run();
    supervisor.replace();
    done();
    const ChildId next = newest(server);
    die(3);
    pass(0s);
    EXPECT_THAT(done(), ElementsAre("start server", "connect server5 engine1"))
        << "in a hurry: nobody answers";
    supervisor.ready(5);
    EXPECT_THAT(done(), IsEmpty());
    supervisor.ready(next);
    supervisor.take_over();
    EXPECT_THAT(done(), ElementsAre("replacement ready", "drain server5, replaced"));
}

TEST_F(SupervisorTest, DoesNotStartAgainWhatHasBeenReplacedMeanwhile) {
    run();
    supervisor.replace();
    die(3);
    supervisor.ready(4);
    done();
    supervisor.take_over();
    EXPECT_THAT(done(), ElementsAre("replaced")) << "there is nobody to wait for";
    pass(1h);
    EXPECT_THAT(done(), IsEmpty());
    EXPECT_EQ(supervisor.serving(server), 4U);
}

TEST_F(SupervisorTest, DrainsSuccessorsThatAreGivenUp) {
    run();
    supervisor.replace();
    supervisor.ready(4);
    done();
    supervisor.give_up_replacement();
    EXPECT_THAT(done(), ElementsAre("drain server4, replaced"));
    EXPECT_EQ(supervisor.serving(server), 3U);
}

TEST_F(SupervisorTest, KillsWhatDoesNotDrain) {
    run();
    supervisor.replace();
    supervisor.ready(4);
    supervisor.take_over();
    done();
    supervisor.channel_closed(3);
    pass(39s);
    EXPECT_THAT(done(), IsEmpty());
    pass(1s);
    EXPECT_THAT(done(), ElementsAre("kill server3"));

    supervisor.replace();
    supervisor.ready(5);
    done();
    deaf_ = {4};
    supervisor.take_over();
    EXPECT_THAT(done(), ElementsAre("drain server4, replaced", "kill server4"));
}

TEST_F(SupervisorTest, IntroducesANewPeerToOnesThatDrainAndLeavesThemAlone) {
    run();
    supervisor.replace();
    supervisor.ready(4);
    supervisor.take_over();
    done();
    deaf_ = {3};
    die(newest(engine));
    pass(0s);
    EXPECT_THAT(done(), ElementsAre("start engine", "connect engine5 server3",
                                    "connect engine5 server4", "connect engine5 helper2"));
}

// -- End

TEST_F(SupervisorTest, EndsTheLastOfTheTableFirst) {
    run();
    supervisor.stop();
    EXPECT_THAT(done(), ElementsAre("end server3", "kill helper2", "end engine1"));
    die(2);
    die(3, well);
    pass(5s);
    EXPECT_THAT(done(), IsEmpty());
    die(1, well);
    EXPECT_THAT(done(), ElementsAre("all ended"));
}

TEST_F(SupervisorTest, EndsWhatIsUnderWay) {
    run();
    supervisor.replace();
    supervisor.ready(4);
    supervisor.take_over();
    supervisor.replace();
    ASSERT_TRUE(supervisor.run_once(loader));
    done();
    supervisor.stop();
    EXPECT_THAT(done(), ElementsAre("end server3", "end server4", "kill server5", "kill helper2",
                                    "end engine1", "kill loader6"));
    for (ChildId child = 1; child <= 6; ++child)
        die(child);
    EXPECT_THAT(done(), ElementsAre("all ended")) << "nobody is told that the loader has finished";
}

TEST_F(SupervisorTest, KillsWhatDoesNotEnd) {
    run();
    deaf_ = {newest(engine)};
    supervisor.stop();
    EXPECT_THAT(done(), ElementsAre("end server3", "kill helper2", "end engine1", "kill engine1"));
    pass(5s);
    EXPECT_THAT(done(), ElementsAre("kill server3"));
    supervisor.stop();
    EXPECT_THAT(done(), ElementsAre("kill server3", "kill helper2", "kill engine1"));
}

TEST_F(SupervisorTest, StartsNothingWhileItEnds) {
    run();
    die(newest(helper));
    supervisor.stop();
    done();
    die(newest(server));
    pass(1min);
    EXPECT_THAT(done(), ElementsAre("kill engine1")) << "which had its minute";
    die(newest(engine));
    EXPECT_THAT(done(), ElementsAre("all ended"));
}

TEST_F(SupervisorTest, EndsAtOnceWhenThereIsNobody) {
    supervisor.stop();
    EXPECT_THAT(done(), ElementsAre("all ended"));
}

}  // namespace
}  // namespace summond::proc
