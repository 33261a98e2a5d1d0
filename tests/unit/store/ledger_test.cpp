// What is told comes back from the file in a later process.
#include "summond/store/ledger.hpp"

#include <sys/wait.h>

#include <csignal>
#include <random>
#include <thread>

#include "store_fixture.hpp"

namespace summond::store {
namespace {

using service::WakeFailure;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class StoreTest : public StoreFixture {};

TEST_F(StoreTest, AllOfAServiceComesBack) {
    const service::Id id = 0xfedcba9876543210;  // all bits, as a hash has them
    const vm::Kept told{
        .service = id,
        .pin = vm::Pin{clock.now() + hours(2)},
        .rest = vm::Rest{clock.now() + hours(3)},
        .setback = vm::Setback{3, 1, WakeFailure::crashed, clock.now() + seconds(8)},
        .last_used = clock.now() - minutes(7)};
    {
        auto ledger = open();
        EXPECT_TRUE(ledger.remembered().services.empty());
        ledger.keep(told);
        ledger.keep({.service = 2, .pin = vm::Pin{}});
        ledger.keep({.service = 3});
        ledger.drained(true);
        ledger.flush();
        EXPECT_TRUE(ledger.health().usable);
    }
    auto later = open();
    const auto remembered = later.remembered();
    EXPECT_TRUE(remembered.drained);
    ASSERT_EQ(remembered.services.size(), 3u);
    for (const vm::Kept& each : remembered.services)
        EXPECT_EQ(each, each.service == id  ? told
                        : each.service == 2 ? (vm::Kept{.service = 2, .pin = vm::Pin{}})
                                            : vm::Kept{.service = 3});
}

TEST_F(StoreTest, TheLatestStateWinsAndWhatIsForgottenIsGone) {
    {
        auto ledger = open();
        for (int i = 10; i >= 0; --i)
            ledger.keep(kept(1, seconds(i)));
        ledger.keep(kept(2));
        ledger.forget(2);
        ledger.drained(true);
        ledger.drained(false);
    }
    auto later = open();
    const auto remembered = later.remembered();
    ASSERT_EQ(remembered.services.size(), 1u);
    EXPECT_EQ(remembered.services[0], kept(1));
    EXPECT_FALSE(remembered.drained);
}

TEST_F(StoreTest, APinThatHasEndedMeanwhileIsNone) {
    open().keep({.service = 1, .pin = vm::Pin{clock.now() + minutes(5)}});
    clock.advance(minutes(6));
    EXPECT_FALSE(open().remembered().services.at(0).pin);
}

TEST_F(StoreTest, WakesComeBackWithTheirPhases) {
    auto first = wake(7);
    first.why = service::WakeReason::packet;
    first.how = vm::WakeHow::standby;
    first.admitted = microseconds(150);
    first.unpaused = milliseconds(2);
    first.ready = milliseconds(3);
    auto failed = wake(8);
    failed.failure = WakeFailure::not_ready;
    failed.what = "not ready within 30000 ms; its console ends with \"oops\"";
    failed.failed = seconds(30);
    {
        auto ledger = open();
        ledger.woke(first);
        ledger.woke(failed);
        ledger.flush();
        first.handed_over = milliseconds(9);
        first.packets = 4;
        first.first_byte = milliseconds(12);
        first.first_waited = milliseconds(11);
        first.queries = 2;
        first.query_type = 28;
        ledger.woke(first);
    }
    auto later = open();
    const auto wakes = later.remembered().wakes;
    ASSERT_EQ(wakes.size(), 2u);
    EXPECT_EQ(wakes[0].number, 7u);
    EXPECT_EQ(wakes[0].name, "www");
    EXPECT_EQ(wakes[0].why, service::WakeReason::packet);
    EXPECT_EQ(wakes[0].how, vm::WakeHow::standby);
    EXPECT_EQ(wakes[0].asked_at, first.asked_at);
    EXPECT_EQ(wakes[0].admitted, microseconds(150));
    EXPECT_FALSE(wakes[0].built);
    EXPECT_EQ(wakes[0].unpaused, milliseconds(2));
    EXPECT_EQ(wakes[0].ready, milliseconds(3));
    EXPECT_EQ(wakes[0].handed_over, milliseconds(9));
    EXPECT_EQ(wakes[0].packets, 4u);
    EXPECT_EQ(wakes[0].first_byte, milliseconds(12));
    EXPECT_EQ(wakes[0].first_waited, milliseconds(11));
    EXPECT_EQ(wakes[0].queries, 2u);
    EXPECT_EQ(wakes[0].query_type, 28);
    EXPECT_EQ(wakes[1].query_type, 0);
    EXPECT_FALSE(wakes[1].first_byte);
    EXPECT_EQ(wakes[1].failure, WakeFailure::not_ready);
    EXPECT_EQ(wakes[1].what, failed.what);
    EXPECT_EQ(wakes[1].failed, seconds(30));
    EXPECT_FALSE(wakes[1].how);
}

TEST_F(StoreTest, LeasesComeBackAndAreSaidToBeKept) {
    const auto a = *base::IpAddress::parse("192.0.2.1");
    const auto b = *base::IpAddress::parse("192.0.2.2");
    std::vector<std::uint64_t> kept;
    {
        auto ledger = open();
        ledger.on_leased([&](std::uint64_t number) { kept.push_back(number); });
        EXPECT_FALSE(ledger.remembered().leases_lost);
        ledger.lease({a, "pages@a", 60}, 1);
        ledger.flush();
        EXPECT_EQ(kept, std::vector<std::uint64_t>{1});
        ledger.lease({b, "pages@b", 60}, 2);
        ledger.release(a);
        ledger.lease({a, "pages@c", 300}, 3);  // it is another's now
        ledger.release(b);
        ledger.flush();
        ledger.keep({.service = 1});
        ledger.flush();
        EXPECT_EQ(kept.back(), 3U);
    }
    auto later = open();
    const auto remembered = later.remembered();
    EXPECT_EQ(remembered.leases, (std::vector<vm::Lease>{{a, "pages@c", 300}}));
    EXPECT_FALSE(remembered.leases_lost);
}

TEST_F(StoreTest, LeasesOfADamagedFileAreLost) {
    {
        auto ledger = open();
        ledger.lease({*base::IpAddress::parse("192.0.2.1"), "pages@a", 60}, 1);
    }
    write("this is no database, and never was one, whatever its name says" +
          std::string(4096, 'x'));
    auto later = open();
    const auto remembered = later.remembered();
    EXPECT_TRUE(remembered.leases_lost);
    EXPECT_TRUE(remembered.leases.empty());
    EXPECT_TRUE(is_set_aside());
}

TEST_F(StoreTest, ALeaseThatMakesNoSenseIsNone) {
    { auto ledger = open(); }
    sql("INSERT INTO lease VALUES ('nobody', 'pages@a', 1), ('2001:db8::1', 'pages@b', 1),"
        " ('192.0.2.1', 'pages@c', -5)");
    auto later = open();
    EXPECT_EQ(later.remembered().leases,
              (std::vector<vm::Lease>{{*base::IpAddress::parse("192.0.2.1"), "pages@c", 0}}));
}

TEST_F(StoreTest, HistoryIsBoundedByCountAndAge) {
    auto with = options();
    with.most_wakes = 20;
    {
        Ledger ledger(with, clock, wall_clock);
        for (std::uint64_t number = 1; number <= 250; ++number)
            ledger.woke(wake(number));
    }
    EXPECT_EQ(number("SELECT count(*) FROM wake"), 20);
    EXPECT_EQ(number("SELECT min(number) FROM wake"), 231);
    sql("UPDATE wake SET asked = 0 WHERE number < 240");
    {
        Ledger ledger(with, clock, wall_clock);
        ledger.woke(wake(251));
    }
    EXPECT_EQ(number("SELECT min(number) FROM wake"), 240);
}

TEST_F(StoreTest, WhatDoesNotFitIsDroppedAndCounted) {
    // Somebody holds the file: nothing can be written, and nobody waits for that.
    { auto ledger = open(); }
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    auto with = options();
    with.queue = 10;
    {
        Ledger ledger(with, clock, wall_clock);
        (void)ledger.remembered();
        std::uint64_t told = 0;
        while (ledger.health().lost_wakes < 5)
            ledger.woke(wake(++told));
        EXPECT_GE(told, 15u);
        ledger.keep(kept(1));
        ledger.keep(kept(1));
        sqlite3_exec(handle, "ROLLBACK", nullptr, nullptr, nullptr);
        sqlite3_close(handle);
    }
    auto later = open();
    const auto remembered = later.remembered();
    EXPECT_GE(remembered.wakes.size(), 10u);
    EXPECT_EQ(remembered.services.size(), 1u);
}

TEST_F(StoreTest, WhatIsReadMayBeAnything) {
    open().keep(kept(1));
    sql("INSERT INTO service VALUES (-5, 1, -9223372036854775808, 9223372036854775807,"
        " -9223372036854775808, 'no such failure', 9223372036854775807, -1, '',"
        " -9223372036854775808, 9223372036854775807, 1, 9223372036854775807);"
        "INSERT INTO service VALUES (6, 0, 0, 0, 0, 'none', NULL, 99999999999999, 'b', 0, 0, 77, "
        "0);"
        "INSERT INTO wake VALUES (5, 1, 'n', 'no such reason', 'x', 'y', 'z', -1, 1, 2, 3, 4, 5,"
        " 6, 7, 8, 'b', 0, 0, 0, 0, 0, 0);"
        "INSERT INTO wake VALUES (6, 1, 'n', 'dns', 'x', 'y', 'z', 1, -1, 9223372036854775807, 3, "
        "4,"
        " 5, 6, 7, -8, 'b', 0, 0, -1, 9223372036854775807, -1, 9223372036854775807);"
        "INSERT INTO host VALUES (1, 77)");
    auto later = open();
    const auto remembered = later.remembered();
    EXPECT_FALSE(remembered.drained);
    ASSERT_EQ(remembered.services.size(), 3u);
    for (const vm::Kept& each : remembered.services) {
        EXPECT_FALSE(each.pin);
        EXPECT_FALSE(each.rest);
        if (each.setback) {
            EXPECT_EQ(each.setback->until, clock.now());
        }
        if (each.last_used) {
            EXPECT_LE(*each.last_used, clock.now());
        }
    }
    ASSERT_EQ(remembered.wakes.size(), 1u);
    EXPECT_EQ(remembered.wakes[0].admitted, milliseconds(0));
    EXPECT_EQ(remembered.wakes[0].built, hours(24 * 365));
    EXPECT_EQ(remembered.wakes[0].packets, 0u);
    EXPECT_EQ(remembered.wakes[0].query_type, 0);
    EXPECT_EQ(remembered.wakes[0].queries, 0xffffffffu);
    EXPECT_EQ(remembered.wakes[0].first_waited, milliseconds(0));
    EXPECT_EQ(remembered.wakes[0].first_byte, hours(24 * 365));
}

// kill -9 at any moment: what has been acknowledged is there, and the file is whole.
TEST_F(StoreTest, KilledAtAnyMoment) {
    std::mt19937 random(20261130);
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 60; ++round) {
        int pipe[2];
        ASSERT_EQ(::pipe(pipe), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto ledger = open();
            (void)ledger.remembered();
            for (std::uint64_t next = acknowledged + 1;; ++next) {
                ledger.woke(wake(next));
                ledger.keep({.service = 1,
                             .setback = vm::Setback{static_cast<unsigned>(next), 0,
                                                    WakeFailure::crashed, clock.now()}});
                if (next % 3 == 0) {
                    ledger.flush();
                    if (::write(pipe[1], &next, sizeof next) != sizeof next)
                        ::_exit(1);
                }
            }
        }
        ::close(pipe[1]);
        std::this_thread::sleep_for(milliseconds(random() % 400));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));
        std::uint64_t next = 0;
        while (::read(pipe[0], &next, sizeof next) == sizeof next)
            acknowledged = next;
        ::close(pipe[0]);
        auto later = open();
        const auto remembered = later.remembered();
        ASSERT_FALSE(is_set_aside()) << "round " << round;
        if (acknowledged > 0) {
            ASSERT_EQ(remembered.services.size(), 1u);
            ASSERT_GE(remembered.services[0].setback->failures, acknowledged);
            ASSERT_GE(remembered.wakes.back().number, acknowledged);
            acknowledged = remembered.services[0].setback->failures;
        }
    }
    EXPECT_GT(acknowledged, 30u) << "there was something to lose";
}

}  // namespace
}  // namespace summond::store
