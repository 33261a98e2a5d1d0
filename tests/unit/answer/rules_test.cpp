// Names that there are by a service's rule, and the table of the instances behind them.
#include "summond/answer/rules.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine.hpp"

namespace summond::answer {
namespace {

using test::Ask;
using test::Engine;

constexpr const char* beside_rules = R"($TTL 300
@           SOA ns1 hostmaster 7 3600 600 86400 60
@           NS  ns1
ns1         A   192.0.2.53
www.pages   A   192.0.2.80
a.ent.pages TXT "x"
*.pages     TXT "wild"
alias       CNAME x7f3.pages
mail        MX  10 x7f3.pages
)";
constexpr const char* reverse_text = R"($TTL 300
@           SOA ns1.jit.example. hostmaster.jit.example. 7 3600 600 86400 60
@           NS  ns1.jit.example.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR router.jit.example.
)";
constexpr const char* reverse_apex = "0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

class RulesTest : public testing::Test {
  protected:
    RulesTest() {
        engine.add_zone("jit.example", beside_rules);
        engine.add_zone(reverse_apex, reverse_text);
        engine.add_service("plain", {"plain.jit.example"}, {"192.0.2.1"});
        pattern = &engine.add_pattern("pages", "", "pages.jit.example", "2001:db8:1::/64");
        engine.build();
    }
    std::string address(const std::string& id) { return pattern->addresses->of(id).to_string(); }
    std::string aaaa(const std::string& name) { return engine.ask({.name = name, .type = "AAAA"}); }
    static std::string ptr_name(const base::IpAddress& address) {
        return dns::Name::reverse(address).to_string();
    }
    void up(std::uint32_t number) { engine.state(number).availability = Availability::answerable; }

    Engine engine;
    service::Pattern* pattern;
    static constexpr std::uint32_t first = 2;  // place
    const std::string soa =
        "AU jit.example. 60 IN SOA ns1.jit.example. hostmaster.jit.example. 7 3600 600 86400 60\n";
};

TEST_F(RulesTest, AnAddressWakesItsInstanceOnce) {
    EXPECT_EQ(aaaa("x7f3.pages.jit.example."), "park 2");
    EXPECT_EQ(aaaa("X7F3.pages.jit.example."), "park 2");
    EXPECT_EQ(aaaa("other.pages.jit.example."), "park 3");
    up(first);
    EXPECT_EQ(aaaa("X7f3.PAGES.jit.example."),
              "NOERROR aa\nAN X7f3.PAGES.jit.example. 60 IN AAAA " + address("x7f3") + "\n");
    EXPECT_TRUE(engine.state(first).asked);
    EXPECT_FALSE(engine.state(first + 1).asked);
    EXPECT_EQ(aaaa("other.pages.jit.example."), "park 3");
    engine.state(first).availability = Availability::failed;
    engine.state(first).failure = service::WakeFailure::no_kernel;
    EXPECT_EQ(aaaa("x7f3.pages.jit.example."), "SERVFAIL\n");
    EXPECT_EQ(engine.ask({.name = "plain.jit.example."}),
              "NOERROR aa\nAN plain.jit.example. 60 IN A 192.0.2.1\n");
}

TEST_F(RulesTest, OtherTypesSayWhatThereIsAndWakeNothing) {
    for (const char* type : {"A", "TXT", "NS", "RRSIG", "PTR", "HTTPS"})
        EXPECT_EQ(engine.ask({.name = "x7f3.pages.jit.example.", .type = type}),
                  "NOERROR aa\n" + soa)
            << type;
    EXPECT_EQ(engine.ask({.name = "x7f3.pages.jit.example.", .type = "ANY"}),
              "NOERROR aa\nAN x7f3.pages.jit.example. 3600 IN HINFO \"RFC8482\" \"\"\n");
    EXPECT_EQ(engine.instances().end(), first);
}

TEST_F(RulesTest, WhatTheRuleLeavesOutIsAsWithoutIt) {
    // Of records, the zone.
    EXPECT_EQ(engine.ask({.name = "www.pages.jit.example."}),
              "NOERROR aa\nAN www.pages.jit.example. 300 IN A 192.0.2.80\n");
    EXPECT_EQ(aaaa("www.pages.jit.example."), "NOERROR aa\n" + soa);
    EXPECT_EQ(aaaa("ent.pages.jit.example."), "NOERROR aa\n" + soa);
    EXPECT_EQ(aaaa("pages.jit.example."), "NOERROR aa\n" + soa);
    // No id: the wildcard.
    EXPECT_EQ(engine.ask({.name = "toolongforit.pages.jit.example.", .type = "TXT"}),
              "NOERROR aa\nAN toolongforit.pages.jit.example. 300 IN TXT \"wild\"\n");
    EXPECT_EQ(engine.ask({.name = "a.toolongforit.pages.jit.example.", .type = "TXT"}),
              "NOERROR aa\nAN a.toolongforit.pages.jit.example. 300 IN TXT \"wild\"\n");
    // Below a name that there is, the wildcard beside it has no say (RFC 4592 §3.3.1).
    EXPECT_EQ(engine.ask({.name = "a.x7f3.pages.jit.example.", .type = "TXT"}),
              "NXDOMAIN aa\n" + soa);
    EXPECT_EQ(engine.ask({.name = "a.b.x7f3.pages.jit.example.", .type = "AAAA"}),
              "NXDOMAIN aa\n" + soa);
    EXPECT_EQ(engine.instances().end(), first);
}

TEST_F(RulesTest, AnAliasLeadsToAnInstance) {
    EXPECT_EQ(aaaa("alias.jit.example."), "park 2");
    up(first);
    EXPECT_EQ(aaaa("alias.jit.example."),
              "NOERROR aa\nAN alias.jit.example. 300 IN CNAME x7f3.pages.jit.example.\n"
              "AN x7f3.pages.jit.example. 60 IN AAAA " +
                  address("x7f3") + "\n");
    EXPECT_EQ(engine.ask({.name = "mail.jit.example.", .type = "MX"}),
              "NOERROR aa\nAN mail.jit.example. 300 IN MX 10 x7f3.pages.jit.example.\n");
}

TEST_F(RulesTest, AddressesTellWhoseTheyAre) {
    const std::string name = ptr_name(pattern->addresses->of("x7f3"));
    EXPECT_EQ(engine.ask({.name = name, .type = "PTR"}),
              "NOERROR aa\nAN " + name + " 60 IN PTR x7f3.pages.jit.example.\n");
    const std::string reverse_soa =
        std::string("AU ") + reverse_apex +
        ". 60 IN SOA ns1.jit.example. hostmaster.jit.example. 7 3600 600 "
        "86400 60\n";
    EXPECT_EQ(engine.ask({.name = name, .type = "AAAA"}), "NOERROR aa\n" + reverse_soa);
    // Above it there is something, below it nothing.
    for (std::string above = name.substr(2); above.size() > std::string(reverse_apex).size() + 1;
         above = above.substr(2))
        EXPECT_EQ(engine.ask({.name = above, .type = "PTR"}), "NOERROR aa\n" + reverse_soa)
            << above;
    EXPECT_EQ(engine.ask({.name = "0." + name, .type = "PTR"}), "NXDOMAIN aa\n" + reverse_soa);
    EXPECT_EQ(engine.ask({.name = "xx" + name.substr(1), .type = "PTR"}),
              "NXDOMAIN aa\n" + reverse_soa);
    // Nobody's, and the zone's own.
    const std::string router = ptr_name(*base::IpAddress::parse("2001:db8:1::1"));
    EXPECT_EQ(engine.ask({.name = router, .type = "PTR"}),
              "NOERROR aa\nAN " + router + " 300 IN PTR router.jit.example.\n");
    EXPECT_EQ(
        engine.ask({.name = ptr_name(*base::IpAddress::parse("2001:db8:1::2")), .type = "PTR"}),
        "NXDOMAIN aa\n" + reverse_soa);
    EXPECT_EQ(engine.instances().end(), first);
}

TEST_F(RulesTest, WhoMayNotWakeIsAnsweredAllTheSame) {
    const Wakers nobody;
    engine.state(1).wakers = &nobody;
    EXPECT_EQ(aaaa("x7f3.pages.jit.example."),
              "NOERROR aa\nAN x7f3.pages.jit.example. 60 IN AAAA " + address("x7f3") + "\n");
    EXPECT_EQ(engine.instances().end(), first);
}

TEST_F(RulesTest, AFullTableHasAnAnswer) {
    for (std::uint32_t i = 0; i < Engine::places; ++i)
        EXPECT_EQ(aaaa("x" + std::to_string(i) + ".pages.jit.example."),
                  "park " + std::to_string(first + i));
    EXPECT_EQ(engine.ask({.name = "one-more.pages.jit.example.", .type = "AAAA", .edns = true}),
              "SERVFAIL\nEDNS size=1232 ede=14:limit of domains reached\n");
    engine.instances().release(first + 1);
    EXPECT_EQ(aaaa("one-more.pages.jit.example."), "park 3");
    EXPECT_EQ(aaaa("x0.pages.jit.example."), "park 2");
    EXPECT_EQ(engine.ask({.name = "x1.pages.jit.example.", .type = "AAAA"}), "SERVFAIL\n");
}

TEST(LeasedAddresses, AreAnsweredOnceTheyAreKept) {
    Engine engine;
    engine.add_zone("jit.example", beside_rules);
    engine.add_zone("2.0.192.in-addr.arpa",
                    "@ 300 SOA ns1.jit.example. h.jit.example. 7 3600 600 86400 60\n"
                    "@ 300 NS ns1.jit.example.\n53 300 PTR ns1.jit.example.\n");
    service::Pattern& pattern =
        engine.add_pattern("pages", "", "pages.jit.example", "2001:db8:1::/64");
    pattern.pool = service::Pool{{*base::IpAddress::parse("192.0.2.64"), 26}};
    engine.build();
    const std::string name = "x7f3.pages.jit.example.";
    const auto ptr = [&](int last) {
        return engine.ask({.name = std::to_string(last) + ".2.0.192.in-addr.arpa.", .type = "PTR"})
            .substr(0, 8);
    };
    EXPECT_EQ(engine.ask({.name = name, .type = "TXT"}).substr(0, 10), "NOERROR aa");
    EXPECT_EQ(engine.ask({.name = name}), "park 1");
    engine.state(1).availability = Availability::answerable;
    EXPECT_EQ(engine.ask({.name = name}), "park 1") << "its lease is not kept yet";
    EXPECT_EQ(engine.ask({.name = name, .type = "AAAA"}).substr(0, 10), "NOERROR aa");
    EXPECT_EQ(ptr(70), "NXDOMAIN");
    EXPECT_TRUE(engine.instances().lease(1, {192, 0, 2, 70}));
    EXPECT_FALSE(engine.instances().lease(1, {192, 0, 2, 70}));
    EXPECT_EQ(engine.ask({.name = name}), "NOERROR aa\nAN " + name + " 60 IN A 192.0.2.70\n");
    EXPECT_EQ(engine.ask({.name = "70.2.0.192.in-addr.arpa.", .type = "PTR"}),
              "NOERROR aa\nAN 70.2.0.192.in-addr.arpa. 60 IN PTR " + name + "\n");
    for (const char* other : {"070", "7", "71", "x", "a.70", "256", "1000"})
        EXPECT_EQ(engine.ask({.name = std::string(other) + ".2.0.192.in-addr.arpa.", .type = "PTR"})
                      .substr(0, 8),
                  "NXDOMAIN")
            << other;
    EXPECT_EQ(ptr(53), "NOERROR ") << "the zone's own";
    // Who may not wake it is answered while it is up, and keeps its lease.
    const Wakers nobody;
    engine.state(0).wakers = &nobody;
    engine.state(1).asked = false;
    EXPECT_EQ(engine.ask({.name = name}), "NOERROR aa\nAN " + name + " 60 IN A 192.0.2.70\n");
    EXPECT_TRUE(engine.state(1).asked);
    engine.state(1).availability = Availability::asleep;
    EXPECT_EQ(engine.ask({.name = name, .edns = true}),
              "SERVFAIL\nEDNS size=1232 ede=14:no IPv4 address is free for the service\n");
    EXPECT_EQ(engine.ask({.name = "other.pages.jit.example."}), "SERVFAIL\n");
    engine.state(0).wakers = nullptr;
    EXPECT_EQ(engine.ask({.name = name}), "park 1") << "it may be another's soon";
    engine.state(1).availability = Availability::failed;
    engine.state(1).failure = service::WakeFailure::no_address;
    EXPECT_EQ(engine.ask({.name = name, .edns = true}),
              "SERVFAIL\nEDNS size=1232 ede=14:no IPv4 address is free for the service\n");
    engine.instances().release(1);
    EXPECT_EQ(ptr(70), "NXDOMAIN");
}

TEST(SignedIds, AFloodOfMadeUpNamesTakesNoPlace) {
    Engine engine;
    engine.add_zone("jit.example", beside_rules);
    service::Pattern& pattern =
        engine.add_pattern("pages", "", "pages.jit.example", "2001:db8:1::/64");
    pattern.who = service::Who::tagged;
    pattern.secret = {1, 2, 3};
    engine.build();
    for (int i = 0; i < 2000; ++i) {
        const std::string name = "x" + std::to_string(i) + "-0123456789ab.pages.jit.example.";
        ASSERT_EQ(engine.ask({.name = name, .type = "TXT"}).substr(0, 7), "NOERROR")
            << "a wildcard";
        ASSERT_NE(engine.ask({.name = name, .type = "AAAA"}).substr(0, 4), "park");
    }
    EXPECT_EQ(engine.instances().end(), 1U);
    const std::string good(pattern.text_of("x7f3").view());
    EXPECT_EQ(engine.ask({.name = good + ".pages.jit.example.", .type = "AAAA"}), "park 1");
}

TEST(Instances, AreFoundWhileOthersComeAndGo) {
    constexpr std::uint32_t places = 64;
    Instances instances(100, places, 4711);
    const auto address_of = [](unsigned n) {
        std::array<std::uint8_t, 16> octets{};
        octets[15] = static_cast<std::uint8_t>(n);
        octets[0] = static_cast<std::uint8_t>(n);
        return base::IpAddress::v6(octets);
    };
    const auto id_of = [](unsigned n) { return std::string(n % 30 + 1, 'x') + std::to_string(n); };
    ASSERT_TRUE(instances.take({0, "stays"}, address_of(200)));
    std::atomic<bool> stop{false};
    std::atomic<unsigned> wrong{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t)
        readers.emplace_back([&] {
            while (!stop) {
                const auto stays = instances.find({0, "stays"});
                wrong += !stays || stays->address[15] != 200;
                for (unsigned n = 0; n < 100; ++n)
                    if (const auto found = instances.find({n % 3, id_of(n)}))
                        wrong += found->address[15] != n || found->address[0] != n;
            }
        });
    for (int round = 0; round < 200; ++round) {
        std::vector<std::uint32_t> taken;
        for (unsigned n = 0; n < 100; ++n)
            if (const auto place = instances.take({n % 3, id_of(n)}, address_of(n)))
                taken.push_back(place->number);
        EXPECT_EQ(taken.size(), places - 1);
        for (const std::uint32_t number : taken) {
            EXPECT_TRUE(instances.owner(number));
            instances.release(number);
            EXPECT_FALSE(instances.owner(number));
        }
    }
    stop = true;
    for (std::thread& reader : readers)
        reader.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(instances.end(), 100 + places);
    EXPECT_FALSE(instances.find({1, "stays"})) << "of another service";
}

}  // namespace
}  // namespace summond::answer
