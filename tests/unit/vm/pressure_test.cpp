// When only clients that have shown their addresses wake services, for how long, and which
// services.
#include "pressure.hpp"

#include <gtest/gtest.h>

#include <string>

#include "manager_fixture.hpp"

namespace summond::vm {
namespace {

using service::PressureCause;
using service::WakeFailure;
using std::chrono::minutes;
using std::chrono::seconds;
using test::service;

class PressureTest : public testing::Test {
  protected:
    PressureTest() { pressure.configure(4); }
    bool on(const Pressure::Load& load = {}) {
        pressure.look(load);
        return pressure.causes() != 0;
    }
    test::FakeClock clock;
    Pressure pressure{clock};
};

TEST_F(PressureTest, EachCause) {
    struct Row {
        Pressure::Load load;
        unsigned failures;
        const char* causes;
    };
    const Row rows[] = {
        {{.wakes = 3}, 0, ""},
        {{.wakes = 4}, 0, "wakes"},
        {{.wakes = 4}, 2, "wakes"},
        {{.wakes = 3}, 1, "failures"},
        {{}, 3, ""},
        {{}, 9, "failures"},
        {{.queued = true}, 0, "queue"},
        {{.short_of_room = true}, 0, "room"},
        {{.wakes = 5, .queued = true, .short_of_room = true}, 0, "wakes, queue, room"},
    };
    for (const Row& row : rows) {
        Pressure fresh(clock);
        fresh.configure(4);
        for (unsigned i = 0; i < row.failures; ++i)
            fresh.failed();
        EXPECT_EQ(fresh.look(row.load), *row.causes != '\0') << row.causes;
        EXPECT_EQ(service::pressure_words(fresh.causes()), row.causes);
        EXPECT_FALSE(fresh.look(row.load)) << "nothing new";
    }
}

TEST_F(PressureTest, LastsAWhileAfterItsLastCause) {
    EXPECT_TRUE(on({.wakes = 4}));
    clock.advance(minutes(3));
    EXPECT_TRUE(on({.wakes = 4}));
    clock.advance(Pressure::shortest - seconds(1));
    EXPECT_TRUE(on());
    EXPECT_EQ(*pressure.deadline(), clock.now() + seconds(1));
    clock.advance(seconds(1));
    EXPECT_FALSE(on());
    EXPECT_FALSE(pressure.deadline());
}

TEST_F(PressureTest, SaysAllThatItWasFor) {
    pressure.look({.wakes = 4});
    EXPECT_TRUE(pressure.look({.queued = true}));
    EXPECT_EQ(service::pressure_words(pressure.causes()), "wakes, queue");
}

// Whoever goes on where it ends wakes a few services each time, and has to wait longer and longer.
TEST_F(PressureTest, LastsLongerWhenItComesBackSoon) {
    base::Duration hold = Pressure::shortest;
    for (int i = 0; i < 8; ++i) {
        EXPECT_TRUE(on({.wakes = 4})) << i;
        clock.advance(hold - seconds(1));
        EXPECT_TRUE(on()) << i;
        clock.advance(seconds(1));
        EXPECT_FALSE(on()) << i;
        clock.advance(hold - seconds(1));
        hold = std::min<base::Duration>(2 * hold, Pressure::longest);
    }
    clock.advance(seconds(1));  // as long as it lasted
    EXPECT_TRUE(on({.wakes = 4}));
    clock.advance(Pressure::shortest);
    EXPECT_FALSE(on());
}

TEST_F(PressureTest, FailuresAreForgotten) {
    for (int i = 0; i < 1000; ++i)
        pressure.failed();
    clock.advance(Pressure::failure_counts);
    EXPECT_FALSE(on());
    pressure.failed();
    EXPECT_FALSE(on({.wakes = 2}));
    EXPECT_TRUE(on({.wakes = 3}));
}

TEST_F(PressureTest, Never) {
    EXPECT_TRUE(on({.wakes = 4}));
    pressure.configure(std::nullopt);
    EXPECT_FALSE(on({.wakes = 400, .queued = true, .short_of_room = true})) << "at once";
    pressure.failed();
    EXPECT_FALSE(on({.wakes = 400}));
}

class ManagerPressure : public ManagerFixture {
  protected:
    ManagerPressure() {
        limits.pressure = 4;
        manager.on_pressure(
            [this] { told.push_back(service::pressure_words(manager.pressure())); });
        configure();
    }
    void configure() {
        std::vector<service::Instance> services;
        for (service::Id id = 1; id <= 8; ++id) {
            service::Template each = service(id);
            each.wake_by_proof = id == 8;
            services.emplace_back(each);
        }
        manager.configure(services, limits);
        manager.retire_others();
        pass(seconds(0));
    }
    void wake(service::Id id) { manager.wake(id, service::WakeReason::dns); }

    service::Limits limits;
    std::vector<std::string> told;
};

TEST_F(ManagerPressure, TheWakeThatIsOneTooManyIsTheLastWithoutProof) {
    EXPECT_TRUE(manager.needs_proof(8)) << "it says so";
    EXPECT_FALSE(manager.needs_proof(99)) << "there is none";
    for (service::Id id = 1; id <= 4; ++id) {
        EXPECT_FALSE(manager.needs_proof(id)) << id;
        wake(id);
    }
    EXPECT_TRUE(manager.needs_proof(5)) << "before anybody else's wake is looked at";
    EXPECT_EQ(told, (std::vector<std::string>{"wakes"}));
    for (DomId domid = 1; domid <= 4; ++domid) {
        backend.finish_build(domid);
        backend.become_ready(domid);
    }
    pass(Pressure::shortest - seconds(1));
    EXPECT_TRUE(manager.needs_proof(5));
    pass(seconds(2));
    EXPECT_FALSE(manager.needs_proof(5));
    EXPECT_EQ(told, (std::vector<std::string>{"wakes", ""}));
}

TEST_F(ManagerPressure, WakesThatFailAreAsMuchWork) {
    for (service::Id id = 1; id <= 4; ++id) {
        wake(id);
        backend.fail_build(WakeFailure::no_kernel);
    }
    pass(seconds(0));
    EXPECT_EQ(service::pressure_words(manager.pressure()), "failures");
}

TEST_F(ManagerPressure, ADrainedHostIsUnderNone) {
    manager.drain(true);
    for (service::Id id = 1; id <= 7; ++id)
        wake(id);
    pass(seconds(0));
    EXPECT_EQ(manager.pressure(), 0);
}

TEST_F(ManagerPressure, WhereWakesWaitForRoom) {
    limits.domains = 1;
    limits.pressure = 100;
    configure();
    EXPECT_EQ(manager.pressure(), 0);
    bring_up(1, 1);
    pass(seconds(0));
    EXPECT_EQ(service::pressure_words(manager.pressure()), "room");
    wake(2);
    EXPECT_EQ(service::pressure_words(manager.pressure()), "queue, room");
}

TEST_F(ManagerPressure, WhereLittleIsLeft) {
    limits.memory_kib = 20 * 1024 * 9;  // test::service's, nine times
    limits.pressure = 100;
    configure();
    for (service::Id id = 1; id <= 7; ++id)
        bring_up(static_cast<DomId>(id), id);
    pass(seconds(0));
    EXPECT_EQ(manager.pressure(), 0);
    bring_up(8, 8);
    pass(seconds(0));
    EXPECT_EQ(service::pressure_words(manager.pressure()), "room") << "less than an eighth";
}

}  // namespace
}  // namespace summond::vm
