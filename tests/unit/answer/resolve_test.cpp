// What is answered to which question.
#include <gtest/gtest.h>

#include "engine.hpp"

using summond::answer::Availability;
using summond::answer::Decision;
using summond::answer::Transport;
using summond::test::Ask;
using summond::test::Engine;

namespace {

constexpr const char* resolved_zone = R"($TTL 300
@       SOA ns1 hostmaster 7 3600 600 86400 60
@       NS  ns1
@       NS  ns.other.example.
@       MX  10 mail
ns1     A   192.0.2.53
mail    A   192.0.2.25
        AAAA 2001:db8::25
Text    TXT "one" "two"
a.b.c   A   192.0.2.3
*.wild  A   192.0.2.4
        TXT "wild"
mail    HTTPS 1 . alpn=h2
        HTTPS 2 ns1
        HTTPS 3 ns1 port=8443
        HTTPS 4 ns.other.example.
binding SVCB 0 bound
bound   SVCB 1 . port=53
        A 192.0.2.7
nothing-bound SVCB 0 .
*.wild  HTTPS 1 .
        HTTPS 2 ns.sub
front   HTTPS 1 www
        HTTPS 2 svc
d1      DNAME d2
x.d2    CNAME y.d1
y.d2    A     192.0.2.5
toroot  DNAME .
*.ent   TXT "x"
x.y.ent TXT "y"
alias   CNAME mail
deep    CNAME alias
away    CNAME www.other.example.
gone    CNAME nothing
loop1   CNAME loop2
loop2   CNAME loop1
*.cw    CNAME mail
towild  CNAME q.wild
tosub   CNAME host.sub
tosvc   CNAME www
old     DNAME wild
sub     NS  ns.sub
        NS  ns1
        NS  ns.elsewhere.example.
        DS  1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub  A   192.0.2.66
        AAAA 2001:db8::66
sub2    NS  ns.sub
svc     TXT "static beside a service"
post    MX  1 www
        MX  2 svc
        MX  3 mail
        MX  4 mail
        MX  5 ns.other.example.
        MX  6 ns.sub
nullmx  MX  0 .
_x._tcp SRV 1 1 80 svc
        SRV 1 1 80 mail
        SRV 1 1 80 .
www     HTTPS 1 . alpn=h2
www     TXT "about www"
odd     TYPE65280 \# 3 abcdef
\000\.x A   192.0.2.9
)";

class Resolve : public testing::Test {
  protected:
    void SetUp() override {
        engine.add_zone("jit.example", resolved_zone);
        engine.add_zone(
            "2.0.192.in-addr.arpa",
            "@ 60 SOA ns1.jit.example. h.jit.example. 1 2 3 4 5\n@ NS ns1.jit.example.\n");
        engine.add_service("www", {"www.jit.example", "*.many.jit.example"},
                           {"192.0.2.80", "192.0.2.81", "2001:db8::80"});
        engine.add_service("v4", {"svc.jit.example"}, {"192.0.2.90"});
        engine.build();
    }
    Engine engine;
};

constexpr const char* negative =
    "AU jit.example. 60 IN SOA ns1.jit.example. hostmaster.jit.example. 7 3600 600 86400 60\n";

}  // namespace

TEST_F(Resolve, StaticRecords) {
    EXPECT_EQ(engine.ask({"mail.jit.example"}),
              "NOERROR aa\nAN mail.jit.example. 300 IN A 192.0.2.25\n");
    EXPECT_EQ(engine.ask({"mail.jit.example", "AAAA"}),
              "NOERROR aa\nAN mail.jit.example. 300 IN AAAA 2001:db8::25\n");
    EXPECT_EQ(engine.ask({"jit.example", "SOA"}),
              "NOERROR aa\nAN jit.example. 300 IN SOA ns1.jit.example. hostmaster.jit.example. 7 "
              "3600 600 86400 60\n");
    EXPECT_EQ(engine.ask({"jit.example", "MX"}),
              "NOERROR aa\nAN jit.example. 300 IN MX 10 mail.jit.example.\n"
              "AD mail.jit.example. 300 IN A 192.0.2.25\n"
              "AD mail.jit.example. 300 IN AAAA 2001:db8::25\n");
    EXPECT_EQ(engine.ask({"text.jit.example", "TXT"}),
              "NOERROR aa\nAN text.jit.example. 300 IN TXT \"one\" \"two\"\n");
    EXPECT_EQ(engine.ask({"odd.jit.example", "TYPE65280"}),
              "NOERROR aa\nAN odd.jit.example. 300 IN TYPE65280 \\# 3 abcdef\n");
    EXPECT_EQ(engine.ask({"\\000\\.x.jit.example", "A"}),
              "NOERROR aa\nAN \\000\\.x.jit.example. 300 IN A 192.0.2.9\n");
}

TEST_F(Resolve, NameServersComeWithTheirAddresses) {
    EXPECT_EQ(engine.ask({"jit.example", "NS"}),
              "NOERROR aa\nAN jit.example. 300 IN NS ns1.jit.example.\n"
              "AN jit.example. 300 IN NS ns.other.example.\n"
              "AD ns1.jit.example. 300 IN A 192.0.2.53\n");
}

TEST_F(Resolve, NegativeAnswers) {
    EXPECT_EQ(engine.ask({"nothing.jit.example"}), std::string("NXDOMAIN aa\n") + negative);
    EXPECT_EQ(engine.ask({"a.b.c.d.e.f.jit.example"}), std::string("NXDOMAIN aa\n") + negative);
    EXPECT_EQ(engine.ask({"mail.jit.example", "TXT"}), std::string("NOERROR aa\n") + negative);
    // An empty non-terminal exists.
    EXPECT_EQ(engine.ask({"b.c.jit.example"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"x.c.jit.example"}), std::string("NXDOMAIN aa\n") + negative);
}

TEST_F(Resolve, RefusesWhatIsInNoZone) {
    EXPECT_EQ(engine.ask({"www.other.example"}), "REFUSED\n");
    EXPECT_EQ(engine.ask({"example"}), "REFUSED\n");
    EXPECT_EQ(engine.ask({"."}), "REFUSED\n");
    EXPECT_EQ(engine.ask({.name = "xjit.example", .edns = true}),
              "REFUSED\nEDNS size=1232 ede=20:\n");
}

TEST_F(Resolve, Wildcards) {
    EXPECT_EQ(engine.ask({"q.wild.jit.example"}),
              "NOERROR aa\nAN q.wild.jit.example. 300 IN A 192.0.2.4\n");
    EXPECT_EQ(engine.ask({"p.q.wild.jit.example", "TXT"}),
              "NOERROR aa\nAN p.q.wild.jit.example. 300 IN TXT \"wild\"\n");
    EXPECT_EQ(engine.ask({"q.wild.jit.example", "AAAA"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"*.wild.jit.example"}),
              "NOERROR aa\nAN *.wild.jit.example. 300 IN A 192.0.2.4\n");
    // RFC 4592 §3.3.1: the closest encloser is y.ent, which has no wildcard.
    EXPECT_EQ(engine.ask({"z.y.ent.jit.example", "TXT"}), std::string("NXDOMAIN aa\n") + negative);
    EXPECT_EQ(engine.ask({"y.ent.jit.example", "TXT"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"z.ent.jit.example", "TXT"}),
              "NOERROR aa\nAN z.ent.jit.example. 300 IN TXT \"x\"\n");
    EXPECT_EQ(engine.ask({"a.cw.jit.example"}),
              "NOERROR aa\nAN a.cw.jit.example. 300 IN CNAME mail.jit.example.\n"
              "AN mail.jit.example. 300 IN A 192.0.2.25\n");
}

TEST_F(Resolve, Aliases) {
    EXPECT_EQ(engine.ask({"deep.jit.example"}),
              "NOERROR aa\nAN deep.jit.example. 300 IN CNAME alias.jit.example.\n"
              "AN alias.jit.example. 300 IN CNAME mail.jit.example.\n"
              "AN mail.jit.example. 300 IN A 192.0.2.25\n");
    EXPECT_EQ(engine.ask({"deep.jit.example", "CNAME"}),
              "NOERROR aa\nAN deep.jit.example. 300 IN CNAME alias.jit.example.\n");
    EXPECT_EQ(engine.ask({"away.jit.example"}),
              "NOERROR aa\nAN away.jit.example. 300 IN CNAME www.other.example.\n");
    EXPECT_EQ(engine.ask({"gone.jit.example"}),
              std::string("NXDOMAIN aa\nAN gone.jit.example. 300 IN CNAME nothing.jit.example.\n") +
                  negative);
    EXPECT_EQ(engine.ask({"loop1.jit.example"}),
              "NOERROR aa\nAN loop1.jit.example. 300 IN CNAME loop2.jit.example.\n"
              "AN loop2.jit.example. 300 IN CNAME loop1.jit.example.\n");
    EXPECT_EQ(engine.ask({"towild.jit.example"}),
              "NOERROR aa\nAN towild.jit.example. 300 IN CNAME q.wild.jit.example.\n"
              "AN q.wild.jit.example. 300 IN A 192.0.2.4\n");
}

TEST_F(Resolve, Dname) {
    EXPECT_EQ(engine.ask({"Abc.old.jit.example"}),
              "NOERROR aa\nAN old.jit.example. 300 IN DNAME wild.jit.example.\n"
              "AN Abc.old.jit.example. 300 IN CNAME Abc.wild.jit.example.\n"
              "AN Abc.wild.jit.example. 300 IN A 192.0.2.4\n");
    EXPECT_EQ(engine.ask({"old.jit.example", "DNAME"}),
              "NOERROR aa\nAN old.jit.example. 300 IN DNAME wild.jit.example.\n");
    EXPECT_EQ(engine.ask({"old.jit.example"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"x.old.jit.example", "CNAME"}),
              "NOERROR aa\nAN old.jit.example. 300 IN DNAME wild.jit.example.\n"
              "AN x.old.jit.example. 300 IN CNAME x.wild.jit.example.\n");
    std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                          std::string(63, 'c') + "." + std::string(45, 'd') + ".old.jit.example";
    EXPECT_EQ(engine.ask({longest}),
              "YXDOMAIN aa\nAN old.jit.example. 300 IN DNAME wild.jit.example.\n");
}

TEST_F(Resolve, DnameTargetsAreCompressed) {
    const auto query = summond::test::query_bytes({"Abc.old.jit.example", "TXT"});
    // DNAME with its target in full (RFC 6672 §2.5), CNAME of "Abc" and a pointer, TXT.
    EXPECT_EQ(engine.resolve(query).size, query.size() + (12 + 18) + (12 + 4 + 2) + (12 + 5));
    // The same DNAME twice, its target compressed twice.
    EXPECT_EQ(engine.ask({"x.d1.jit.example"}),
              "NOERROR aa\nAN d1.jit.example. 300 IN DNAME d2.jit.example.\n"
              "AN x.d1.jit.example. 300 IN CNAME x.d2.jit.example.\n"
              "AN x.d2.jit.example. 300 IN CNAME y.d1.jit.example.\n"
              "AN y.d1.jit.example. 300 IN CNAME y.d2.jit.example.\n"
              "AN y.d2.jit.example. 300 IN A 192.0.2.5\n");
    EXPECT_EQ(engine.ask({"x.toroot.jit.example"}),
              "NOERROR aa\nAN toroot.jit.example. 300 IN DNAME .\n"
              "AN x.toroot.jit.example. 300 IN CNAME x.\n");
}

// RFC 9460 §4.1.
TEST_F(Resolve, ServiceBindingsComeWithWhatTheyPointAt) {
    EXPECT_EQ(engine.ask({"mail.jit.example", "HTTPS"}),
              "NOERROR aa\nAN mail.jit.example. 300 IN HTTPS 1 . alpn=h2\n"
              "AN mail.jit.example. 300 IN HTTPS 2 ns1.jit.example.\n"
              "AN mail.jit.example. 300 IN HTTPS 3 ns1.jit.example. port=8443\n"
              "AN mail.jit.example. 300 IN HTTPS 4 ns.other.example.\n"
              "AD mail.jit.example. 300 IN A 192.0.2.25\n"
              "AD mail.jit.example. 300 IN AAAA 2001:db8::25\n"
              "AD ns1.jit.example. 300 IN A 192.0.2.53\n");
    EXPECT_EQ(engine.ask({"binding.jit.example", "SVCB"}),
              "NOERROR aa\nAN binding.jit.example. 300 IN SVCB 0 bound.jit.example.\n"
              "AD bound.jit.example. 300 IN SVCB 1 . port=53\n"
              "AD bound.jit.example. 300 IN A 192.0.2.7\n");
    EXPECT_EQ(engine.ask({"nothing-bound.jit.example", "SVCB"}),
              "NOERROR aa\nAN nothing-bound.jit.example. 300 IN SVCB 0 .\n");
    // A wildcard's own address is that of the name asked for; what is delegated is not ours to say.
    EXPECT_EQ(engine.ask({"q.wild.jit.example", "HTTPS"}),
              "NOERROR aa\nAN q.wild.jit.example. 300 IN HTTPS 1 .\n"
              "AN q.wild.jit.example. 300 IN HTTPS 2 ns.sub.jit.example.\n"
              "AD q.wild.jit.example. 300 IN A 192.0.2.4\n");
}

TEST_F(Resolve, ServiceBindingsDoNotGiveAwaySleepingServices) {
    const std::string answer =
        "NOERROR aa\nAN front.jit.example. 300 IN HTTPS 1 www.jit.example.\n"
        "AN front.jit.example. 300 IN HTTPS 2 svc.jit.example.\n";
    engine.state(1).availability = Availability::asleep;
    EXPECT_EQ(engine.ask({"front.jit.example", "HTTPS"}),
              answer +
                  "AD www.jit.example. 60 IN A 192.0.2.80\n"
                  "AD www.jit.example. 60 IN A 192.0.2.81\n"
                  "AD www.jit.example. 60 IN AAAA 2001:db8::80\n");
    EXPECT_TRUE(engine.state(0).asked);
    EXPECT_FALSE(engine.state(1).asked);
}

TEST_F(Resolve, Referrals) {
    const std::string referral =
        "AU sub.jit.example. 300 IN NS ns.sub.jit.example.\n"
        "AU sub.jit.example. 300 IN NS ns1.jit.example.\n"
        "AU sub.jit.example. 300 IN NS ns.elsewhere.example.\n"
        "AD ns.sub.jit.example. 300 IN A 192.0.2.66\n"
        "AD ns.sub.jit.example. 300 IN AAAA 2001:db8::66\n"
        "AD ns1.jit.example. 300 IN A 192.0.2.53\n";
    EXPECT_EQ(engine.ask({"sub.jit.example"}), "NOERROR\n" + referral);
    EXPECT_EQ(engine.ask({"sub.jit.example", "NS"}), "NOERROR\n" + referral);
    EXPECT_EQ(engine.ask({"x.y.sub.jit.example"}), "NOERROR\n" + referral);
    EXPECT_EQ(engine.ask({"ns.sub.jit.example"}), "NOERROR\n" + referral);
    EXPECT_EQ(engine.ask({"sub.jit.example", "DS"}),
              "NOERROR aa\nAN sub.jit.example. 300 IN DS 1 8 2 "
              "0000000000000000000000000000000000000000000000000000000000000000\n");
    EXPECT_EQ(engine.ask({"sub2.jit.example", "DS"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"tosub.jit.example"}),
              "NOERROR aa\nAN tosub.jit.example. 300 IN CNAME host.sub.jit.example.\n" + referral);
    // Sibling glue.
    EXPECT_EQ(engine.ask({"sub2.jit.example"}),
              "NOERROR\nAU sub2.jit.example. 300 IN NS ns.sub.jit.example.\n"
              "AD ns.sub.jit.example. 300 IN A 192.0.2.66\n"
              "AD ns.sub.jit.example. 300 IN AAAA 2001:db8::66\n");
}

TEST_F(Resolve, AnyIsOneRecordAndWakesNothing) {
    engine.state(0).availability = Availability::asleep;
    EXPECT_EQ(engine.ask({"www.jit.example", "ANY"}),
              "NOERROR aa\nAN www.jit.example. 3600 IN HINFO \"RFC8482\" \"\"\n");
    EXPECT_EQ(engine.ask({"alias.jit.example", "ANY"}),
              "NOERROR aa\nAN alias.jit.example. 300 IN CNAME mail.jit.example.\n");
    EXPECT_EQ(engine.ask({"b.c.jit.example", "ANY"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"nothing.jit.example", "ANY"}), std::string("NXDOMAIN aa\n") + negative);
}

TEST_F(Resolve, ServicesThatAreUpAreAnsweredAndMarked) {
    EXPECT_FALSE(engine.state(0).asked);
    EXPECT_EQ(engine.ask({"www.jit.example"}),
              "NOERROR aa\nAN www.jit.example. 60 IN A 192.0.2.80\n"
              "AN www.jit.example. 60 IN A 192.0.2.81\n");
    EXPECT_TRUE(engine.state(0).asked);
    EXPECT_FALSE(engine.state(1).asked);
    EXPECT_EQ(engine.ask({"x.many.jit.example", "AAAA"}),
              "NOERROR aa\nAN x.many.jit.example. 60 IN AAAA 2001:db8::80\n");
    EXPECT_EQ(engine.ask({"80.2.0.192.in-addr.arpa", "PTR"}),
              "NOERROR aa\nAN 80.2.0.192.in-addr.arpa. 60 IN PTR www.jit.example.\n");
}

TEST_F(Resolve, ServicesThatWaitAreAnsweredForAndWoken) {
    engine.state(0).availability = Availability::waiting;
    const Decision decision =
        engine.resolve(summond::test::query_bytes({.name = "www.jit.example"}));
    EXPECT_EQ(decision.kind, Decision::Kind::answer);
    EXPECT_TRUE(decision.wakes);
    EXPECT_EQ(decision.service, 0U);
    EXPECT_TRUE(engine.state(0).asked);
    for (const char* other : {"svc.jit.example", "ns1.jit.example", "nothing.jit.example"})
        EXPECT_FALSE(engine.resolve(summond::test::query_bytes({.name = other})).wakes) << other;
    EXPECT_FALSE(
        engine.resolve(summond::test::query_bytes({.name = "www.jit.example", .type = "MX"}))
            .wakes);
}

TEST_F(Resolve, WhoMayNotWakeIsAnsweredAndKeepsNothing) {
    summond::answer::Wakers wakers;
    engine.state(0).wakers = &wakers;
    for (const auto availability :
         {Availability::asleep, Availability::waiting, Availability::starting, Availability::failed,
          Availability::answerable}) {
        engine.state(0).availability = availability;
        const Decision decision =
            engine.resolve(summond::test::query_bytes({.name = "www.jit.example"}));
        EXPECT_EQ(decision.kind, Decision::Kind::answer);
        EXPECT_FALSE(decision.wakes);
        EXPECT_FALSE(engine.state(0).asked);
        EXPECT_TRUE(engine.ask({"www.jit.example"}).starts_with("NOERROR aa\nAN www.jit.example."));
    }
    engine.state(0).wakers = nullptr;
}

TEST(Wakers, AreThoseOfTheNetworksNamed) {
    const summond::answer::Wakers some{{{*summond::base::IpAddress::parse("192.0.2.0"), 24},
                                        {*summond::base::IpAddress::parse("2001:db8::"), 32}}};
    const auto contains = [&some](const char* text) {
        return some.contains(summond::base::IpAddress::parse(text)->bytes());
    };
    EXPECT_TRUE(contains("192.0.2.1"));
    EXPECT_TRUE(contains("2001:db8::1"));
    EXPECT_FALSE(contains("192.0.3.1"));
    EXPECT_FALSE(contains("::1"));
    EXPECT_FALSE(some.contains({})) << "nobody knows who asks";
    EXPECT_FALSE(
        summond::answer::Wakers{}.contains(summond::base::IpAddress::parse("192.0.2.1")->bytes()));
}

TEST_F(Resolve, ServicesThatSleepParkTheirAddressQueries) {
    engine.state(0).availability = Availability::asleep;
    engine.state(1).availability = Availability::starting;
    for (const char* type : {"A", "AAAA"})
        EXPECT_EQ(engine.ask({"www.jit.example", type}), "park 0") << type;
    EXPECT_EQ(engine.ask({"x.many.jit.example"}), "park 0");
    EXPECT_EQ(engine.ask({"tosvc.jit.example"}), "park 0");
    EXPECT_EQ(engine.ask({"svc.jit.example"}), "park 1");
    EXPECT_FALSE(engine.state(0).asked);
    // What delivers no address does not wake.
    EXPECT_EQ(engine.ask({"svc.jit.example", "AAAA"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"svc.jit.example", "HTTPS"}), std::string("NOERROR aa\n") + negative);
    EXPECT_EQ(engine.ask({"www.jit.example", "TXT"}),
              "NOERROR aa\nAN www.jit.example. 300 IN TXT \"about www\"\n");
    EXPECT_EQ(engine.ask({"www.jit.example", "NS"}), std::string("NOERROR aa\n") + negative);
    // Who asks for these asks for an address as well, and so is not made to wait for both.
    EXPECT_EQ(engine.ask({"www.jit.example", "HTTPS"}),
              "NOERROR aa\nAN www.jit.example. 300 IN HTTPS 1 . alpn=h2\n");
    EXPECT_FALSE(engine.state(0).asked);
}

// At its own name, too, an HTTPS record comes at once; with the addresses of what runs.
TEST_F(Resolve, ServiceBindingOfAServiceThatRuns) {
    EXPECT_EQ(engine.ask({"www.jit.example", "HTTPS"}),
              "NOERROR aa\nAN www.jit.example. 300 IN HTTPS 1 . alpn=h2\n"
              "AD www.jit.example. 60 IN A 192.0.2.80\n"
              "AD www.jit.example. 60 IN A 192.0.2.81\n"
              "AD www.jit.example. 60 IN AAAA 2001:db8::80\n");
    EXPECT_TRUE(engine.state(0).asked);
    engine.state(0).availability = Availability::failed;
    EXPECT_EQ(engine.ask({"www.jit.example", "HTTPS"}),
              "NOERROR aa\nAN www.jit.example. 300 IN HTTPS 1 . alpn=h2\n");
}

// RFC 1035 §3.3.9, RFC 2782. Nothing is woken or waited for on their account.
TEST_F(Resolve, ExchangesAndServersComeWithTheAddressesOfWhatRuns) {
    const std::string post =
        "NOERROR aa\nAN post.jit.example. 300 IN MX 1 www.jit.example.\n"
        "AN post.jit.example. 300 IN MX 2 svc.jit.example.\n"
        "AN post.jit.example. 300 IN MX 3 mail.jit.example.\n"
        "AN post.jit.example. 300 IN MX 4 mail.jit.example.\n"
        "AN post.jit.example. 300 IN MX 5 ns.other.example.\n"
        "AN post.jit.example. 300 IN MX 6 ns.sub.jit.example.\n";
    const std::string mail =
        "AD mail.jit.example. 300 IN A 192.0.2.25\n"
        "AD mail.jit.example. 300 IN AAAA 2001:db8::25\n";
    engine.state(0).availability = Availability::asleep;
    EXPECT_EQ(engine.ask({"post.jit.example", "MX"}),
              post + "AD svc.jit.example. 60 IN A 192.0.2.90\n" + mail);
    EXPECT_FALSE(engine.state(0).asked);
    EXPECT_TRUE(engine.state(1).asked);
    for (const auto other : {Availability::starting, Availability::failed, Availability::waiting}) {
        engine.state(1).availability = other;
        const auto query = summond::test::query_bytes({.name = "post.jit.example", .type = "MX"});
        const Decision decision = engine.resolve(query);
        EXPECT_FALSE(decision.wakes);
        EXPECT_EQ(engine.text(decision, query), post + mail);
    }
    EXPECT_EQ(engine.ask({"_x._tcp.jit.example", "SRV"}),
              "NOERROR aa\nAN _x._tcp.jit.example. 300 IN SRV 1 1 80 svc.jit.example.\n"
              "AN _x._tcp.jit.example. 300 IN SRV 1 1 80 mail.jit.example.\n"
              "AN _x._tcp.jit.example. 300 IN SRV 1 1 80 .\n" +
                  mail);
    EXPECT_EQ(engine.ask({"nullmx.jit.example", "MX"}),
              "NOERROR aa\nAN nullmx.jit.example. 300 IN MX 0 .\n");
}

// Where packets are held, the address of something that boots is better than no answer.
TEST_F(Resolve, AtTheParkingLimitWhereThePacketsAreHeld) {
    engine.set_overdue();
    engine.state(0).availability = Availability::starting;
    EXPECT_EQ(engine.ask({"svc.jit.example"}),
              "NOERROR aa\nAN svc.jit.example. 60 IN A 192.0.2.90\n");
    EXPECT_EQ(engine.ask({"www.jit.example"}), "park 0");
    engine.state(0).holds_packets = true;
    EXPECT_EQ(engine.ask({"www.jit.example", "AAAA"}),
              "NOERROR aa\nAN www.jit.example. 60 IN AAAA 2001:db8::80\n");
    EXPECT_TRUE(engine.state(0).asked);
    engine.state(0).availability = Availability::failed;
    EXPECT_EQ(engine.ask({"www.jit.example"}), "SERVFAIL\n");
}

TEST_F(Resolve, ServicesThatFailedAreServfail) {
    engine.state(0).availability = Availability::failed;
    engine.state(0).failure = summond::service::WakeFailure::no_memory;
    EXPECT_EQ(engine.ask({"www.jit.example"}), "SERVFAIL\n");
    EXPECT_EQ(engine.ask({.name = "tosvc.jit.example", .edns = true}),
              "SERVFAIL\nEDNS size=1232 ede=0:not enough memory to start the service\n");
}
