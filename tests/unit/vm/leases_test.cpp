// IPv4 addresses of a pool: whose each is, when it may be given out, and when it is another's.
#include "leases.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "manager_fixture.hpp"
#include "summond/service/instance.hpp"

namespace summond::vm {
namespace {

using service::Phase;
using service::WakeFailure;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

base::IpAddress address(const std::string& text) {
    return *base::IpAddress::parse(text);
}

// Two addresses, 192.0.2.1 and .2; TTL 60 s.
service::Template pattern(const char* pool = "192.0.2.0", unsigned length = 30) {
    service::Template of = test::service(77);
    of.ipv4.clear();
    of.name = "pages";
    of.kernel = "/srv/{id}.xen";
    of.cmdline = "--ipv4={ipv4}/24";
    of.ttl = 60;
    service::Pattern rule;
    rule.names = {{"", "", *dns::Name::parse("pages.jit.example")}};
    rule.grammar.longest = 8;
    rule.addresses = std::make_shared<service::IdAddresses>(
        base::IpPrefix{address("2001:db8:1::"), 64}, rule.grammar, service::Key{1});
    if (length > 0)
        rule.pool = service::Pool{{address(pool), length}};
    of.pattern = std::make_shared<service::Pattern>(rule);
    return of;
}

class LeasesTest : public ManagerFixture {
  protected:
    static constexpr seconds over = seconds(60) + Leases::margin;

    void configure(const service::Template& of) {
        manager.configure({}, {}, {std::make_shared<service::Template>(of)});
    }
    void SetUp() override { configure(pattern()); }
    service::Id known(const std::string& id) { return manager.instance(77, id).value_or(0); }
    std::optional<base::IpAddress> given(const std::string& id) {
        return manager.status(service::id_of("pages@" + id))->ipv4;
    }
    void keep() { manager.leases_kept(ledger.last_lease); }
    // Its lease is kept, too.
    void up(const std::string& id, DomId domid) {
        manager.wake(known(id), service::WakeReason::dns);
        backend.finish_build(domid);
        backend.become_ready(domid);
        keep();
    }
    void end(const std::string& id, DomId domid) {
        manager.sleep(service::id_of("pages@" + id), true);
        backend.finish_destroy();
        EXPECT_EQ(phase(service::id_of("pages@" + id)), Phase::asleep) << domid;
    }
    WakeFailure why_not(const std::string& id) {
        auto why = WakeFailure::none;
        EXPECT_FALSE(manager.instance(77, id, &why)) << id;
        return why;
    }
};

TEST_F(LeasesTest, NoneIsGivenOutBeforeItIsKept) {
    const service::Id id = known("a");
    manager.wake(id, service::WakeReason::dns);
    backend.finish_build(5);
    backend.become_ready(5);
    EXPECT_EQ(phase(id), Phase::ready);
    EXPECT_FALSE(given("a")) << "the disk is slow";
    ASSERT_EQ(ledger.leases.size(), 1U);
    const Lease told = ledger.leases.begin()->second;
    EXPECT_EQ(told.name, "pages@a");
    EXPECT_EQ(told.ttl, 60U);
    changes.clear();
    keep();
    EXPECT_THAT(changes, ElementsAre(id));
    EXPECT_EQ(given("a"), told.address);
    EXPECT_EQ(manager.instances().at(0).ipv4(), std::vector{told.address});
    EXPECT_EQ(manager.instances().at(0)->cmdline, "--ipv4=" + told.address.to_string() + "/24");
    // Woken again, it need not be told again.
    end("a", 5);
    const auto number = ledger.last_lease;
    EXPECT_EQ(known("a"), id);
    EXPECT_EQ(given("a"), told.address);
    EXPECT_EQ(ledger.last_lease, number);
}

TEST_F(LeasesTest, AreNobodyElsesBeforeDomainAndLastAnswerAreOver) {
    up("a", 5);
    up("b", 6);
    EXPECT_NE(*given("a"), *given("b"));
    EXPECT_EQ(manager.pools(), (service::Pools{2, 2}));
    EXPECT_EQ(why_not("c"), WakeFailure::no_address);
    end("a", 5);
    const auto first = *given("a");
    pass(seconds(30));
    manager.touch(service::id_of("pages@a"));  // by one who has asked before it slept
    pass(over - seconds(1));
    EXPECT_EQ(why_not("c"), WakeFailure::no_address);
    EXPECT_TRUE(manager.status(service::id_of("pages@a"))) << "packets to it find it";
    EXPECT_THAT(ledger.released, IsEmpty());
    pass(seconds(2));
    EXPECT_FALSE(manager.status(service::id_of("pages@a")));
    EXPECT_THAT(ledger.released, ElementsAre(first));
    up("c", 7);
    EXPECT_EQ(given("c"), first);
    EXPECT_EQ(manager.pools(), (service::Pools{2, 2}));
}

TEST_F(LeasesTest, WhatAnEarlierProcessHasGivenOutIsItsOwnersYet) {
    ledger.remembers.leases = {{address("192.0.2.1"), "pages@a", 60},
                               {address("192.0.2.2"), "gone@x", 300},
                               {address("198.51.100.1"), "pages@b", 60}};
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(given("a"), address("192.0.2.1"));
    EXPECT_EQ(phase(service::id_of("pages@a")), Phase::asleep);
    EXPECT_EQ(why_not("c"), WakeFailure::no_address);
    EXPECT_EQ(manager.pools().leased, 3U);
    pass(over + seconds(1));
    EXPECT_FALSE(manager.status(service::id_of("pages@a")));
    EXPECT_TRUE(known("c"));
    EXPECT_EQ(why_not("d"), WakeFailure::no_address) << "192.0.2.2 for five minutes";
    pass(seconds(300));
    EXPECT_TRUE(known("d"));
}

TEST_F(LeasesTest, WhereTheyAreNotKnownNoneIsLeasedForAWhile) {
    ledger.remembers.leases_lost = true;
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(why_not("a"), WakeFailure::no_address);
    pass(over - seconds(1));
    EXPECT_EQ(why_not("a"), WakeFailure::no_address);
    pass(seconds(2));
    EXPECT_TRUE(known("a"));
}

TEST_F(LeasesTest, OnlyADomainWhoseAddressIsKnownIsAdopted) {
    ledger.remembers.leases = {{address("192.0.2.2"), "pages@a", 60}};
    for (const auto& [name, domid] : {std::pair("pages@a", 5U), std::pair("pages@b", 6U)}) {
        Found found;
        found.service = service::id_of(name);
        found.name = name;
        found.domid = domid;
        found.complete = true;
        found.run = Found::Run::running;
        backend.existing.push_back(found);
    }
    ASSERT_TRUE(manager.adopt());
    EXPECT_EQ(manager.status(service::id_of("pages@a"))->ipv4, address("192.0.2.2"));
    EXPECT_EQ(manager.status(service::id_of("pages@a"))->domid, 5U);
    EXPECT_FALSE(manager.status(service::id_of("pages@b")));
    EXPECT_EQ(backend.destroys.size(), 1U);
}

TEST_F(LeasesTest, AnotherPoolIsThatOfTheNextWake) {
    up("a", 5);
    const auto before = *given("a");
    configure(pattern("198.51.100.0", 30));
    manager.retire_others();
    ASSERT_EQ(backend.destroys.size(), 1U);
    backend.finish_destroy();
    pass(seconds(1));
    EXPECT_FALSE(manager.status(service::id_of("pages@a")));
    up("a", 6);
    EXPECT_EQ(given("a")->to_string().substr(0, 11), "198.51.100.");
    // And back at once: what it had before is not another's yet.
    configure(pattern());
    manager.retire_others();
    backend.finish_destroy();
    pass(seconds(1));
    std::set<base::IpAddress> others;
    for (const char* id : {"b", "c"})
        if (known(id) != 0)
            others.insert(*manager.instances().at(others.size()).ipv4().begin());
    EXPECT_FALSE(others.contains(before));
    EXPECT_EQ(others.size(), 1U);
    up("a", 9);
    EXPECT_EQ(given("a"), before) << "it is its own";
}

TEST_F(LeasesTest, ALongerTtlIsKeptBeforeItsAnswers) {
    up("a", 5);
    service::Template longer = pattern();
    longer.ttl = 3600;
    configure(longer);
    EXPECT_FALSE(given("a")) << "not before that is kept";
    keep();
    EXPECT_TRUE(given("a"));
    EXPECT_EQ(ledger.leases.begin()->second.ttl, 3600U);
    configure(pattern());
    keep();
    EXPECT_EQ(ledger.leases.begin()->second.ttl, 3600U) << "an answer may live so long";
    end("a", 5);
    pass(over + seconds(1));
    EXPECT_TRUE(manager.status(service::id_of("pages@a")));
    pass(seconds(3600));
    EXPECT_FALSE(manager.status(service::id_of("pages@a")));
}

TEST_F(LeasesTest, AreToldAgainWhereTheLedgerHasLostThem) {
    up("a", 5);
    const auto number = ledger.last_lease;
    ledger.leases.clear();
    manager.leases_kept(0);
    EXPECT_FALSE(given("a"));
    EXPECT_EQ(ledger.leases.size(), 1U);
    manager.leases_kept(number);
    EXPECT_FALSE(given("a"));
    keep();
    EXPECT_TRUE(given("a"));
}

TEST_F(LeasesTest, APoolThatGoesLeavesIPv6) {
    up("a", 5);
    configure(pattern("192.0.2.0", 0));
    manager.retire_others();
    backend.finish_destroy();
    pass(seconds(1));
    up("a", 6);
    EXPECT_FALSE(given("a"));
    EXPECT_TRUE(manager.instances().at(0).ipv4().empty());
}

// An id comes back to its address, mostly, long after its lease.
TEST(Leases, AnIdBeginsToLookWhereItDidBefore) {
    test::FakeLedger ledger;
    test::FakeClock clock;
    const service::Template of = pattern("192.0.2.64", 26);
    const auto first_of = [&](const std::string& name) {
        Leases leases(ledger, clock);
        return leases.lease(of, name);
    };
    std::set<base::IpAddress> different;
    for (int i = 0; i < 40; ++i) {
        const std::string name = "pages@x" + std::to_string(i);
        EXPECT_EQ(first_of(name), first_of(name));
        different.insert(*first_of(name));
    }
    EXPECT_GT(different.size(), 20U);
}

}  // namespace
}  // namespace summond::vm
