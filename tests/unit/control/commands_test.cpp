#include "summond/control/commands.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "fake_clock.hpp"

namespace summond::control {
namespace {

using namespace std::chrono_literals;
using Outcome = ipc::CommandDone::Outcome;
using service::Phase;

class CommandsTest : public testing::Test {
  protected:
    CommandsTest() {
        model.configure({{7, "www", {}, {}, 1, 0}}, {});
        model.vmm(Model::Vmm::up, {});
    }

    void begin(const char* target) {
        commands.begin(understand("POST", target).value(), 42,
                       [this](const CommandAnswer& answer) { answers.push_back(answer); });
    }
    void done(Outcome outcome, const std::string& what = {}) {
        ipc::CommandDone message{
            sent.back().serial, outcome, static_cast<std::uint8_t>(what.size()), {}};
        what.copy(message.what, sizeof message.what);
        commands.done(message);
    }
    void becomes(Phase phase, service::WakeFailure why = {}) {
        model.report({.status = {.service = 7, .phase = phase, .failure = why}});
        commands.changed(7);
    }

    Model model{"", ""};
    test::FakeClock clock;
    bool takes = true;
    std::vector<ipc::Command> sent;
    std::vector<CommandAnswer> answers;
    Commands commands{model, clock, [this](const ipc::Command& command) {
                          if (takes)
                              sent.push_back(command);
                          return takes;
                      }};
};

TEST_F(CommandsTest, AnAdoptionThatDoesNotFitSaysWhy) {
    begin("/v1/services/www/adopt");
    EXPECT_EQ(sent.at(0).what, ipc::Command::What::adopt);
    done(Outcome::not_ours, "domid 7, called www, is on the bridge \"br0\"");
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].status, 409U);
    EXPECT_EQ(answers[0].error, "domid 7, called www, is on the bridge \"br0\"");
}

TEST_F(CommandsTest, WhoHasLeftIsForgotten) {
    const auto serial =
        commands.begin(understand("POST", "/v1/services/www/wake?wait=ready").value(), 42,
                       [this](const CommandAnswer& answer) { answers.push_back(answer); });
    EXPECT_EQ(serial, sent.at(0).serial);
    becomes(Phase::building);
    done(Outcome::begun);
    EXPECT_TRUE(commands.deadline());
    commands.forget(serial);
    EXPECT_FALSE(commands.deadline());
    becomes(Phase::ready);
    EXPECT_TRUE(answers.empty());
    commands.forget(serial);
}

TEST_F(CommandsTest, GoesToVmmOnceAndIsAnswered) {
    begin("/v1/services/www/pin?for=2h");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].what, ipc::Command::What::pin);
    EXPECT_EQ(sent[0].service, 7U);
    EXPECT_EQ(sent[0].for_ms, 7'200'000);
    EXPECT_EQ(sent[0].user, 42U);
    EXPECT_TRUE(answers.empty());
    done(Outcome::done);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].outcome, "done");
    EXPECT_EQ(answers[0].about, 7U);
    done(Outcome::done);
    EXPECT_EQ(answers.size(), 1U) << "of something else, or made up";
}

TEST_F(CommandsTest, WithoutVmmNothingBegins) {
    model.vmm(Model::Vmm::down, {});
    begin("/v1/services/www/wake");
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(answers.at(0).status, 503U);
    model.vmm(Model::Vmm::up, {});
    takes = false;
    begin("/v1/services/www/wake");
    EXPECT_EQ(answers.at(1).status, 503U);
    EXPECT_FALSE(commands.deadline());
}

TEST_F(CommandsTest, AnUnknownServiceIsNoCommand) {
    begin("/v1/services/ww/wake");
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(answers.at(0).status, 404U);
    EXPECT_EQ(answers.at(0).expected, "did you mean www?");
}

TEST_F(CommandsTest, WaitsUntilItIsReady) {
    begin("/v1/services/www/wake?wait=ready");
    becomes(Phase::building);
    done(Outcome::begun);
    becomes(Phase::booting);
    EXPECT_TRUE(answers.empty());
    becomes(Phase::ready);
    EXPECT_EQ(answers.at(0).status, 200U);
}

TEST_F(CommandsTest, WaitsUntilItRuns) {
    begin("/v1/services/www/wake?wait=running");
    becomes(Phase::building);
    done(Outcome::begun);
    EXPECT_TRUE(answers.empty());
    becomes(Phase::booting);
    EXPECT_EQ(answers.at(0).status, 200U);
}

TEST_F(CommandsTest, WhatItWaitsForFails) {
    begin("/v1/services/www/wake?wait=ready");
    becomes(Phase::building);
    done(Outcome::begun);
    becomes(Phase::failed, service::WakeFailure::no_memory);
    EXPECT_EQ(answers.at(0).status, 409U);
    EXPECT_EQ(answers.at(0).error, "www could not be woken: no_memory");
}

TEST_F(CommandsTest, WaitsNoLongerThanIsAsked) {
    begin("/v1/services/www/wake?wait=ready&timeout=5s");
    becomes(Phase::building);
    done(Outcome::begun);
    clock.advance(5s - 1ms);
    commands.tick();
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(commands.deadline(), clock.now() + 1ms);
    clock.advance(1ms);
    commands.tick();
    EXPECT_EQ(answers.at(0).status, 504U);
    EXPECT_FALSE(commands.deadline());
}

TEST_F(CommandsTest, WhenVmmEndsAllAreAnswered) {
    begin("/v1/services/www/wake?wait=ready");
    begin("/v1/drain");
    commands.vmm_lost();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].status, 503U);
}

TEST_F(CommandsTest, AStuckVmmIsNotWaitedForForEver) {
    begin("/v1/drain");
    clock.advance(Commands::patience);
    commands.tick();
    EXPECT_EQ(answers.at(0).status, 504U);
}

TEST_F(CommandsTest, RefusalsHaveAStatusAndAWayOut) {
    for (const auto outcome : {Outcome::pinned, Outcome::drained, Outcome::backing_off,
                               Outcome::busy, Outcome::not_ours}) {
        begin("/v1/services/www/sleep");
        done(outcome);
        EXPECT_EQ(answers.back().status, 409U);
        EXPECT_FALSE(answers.back().error.empty() || answers.back().expected.empty());
    }
}

}  // namespace
}  // namespace summond::control
