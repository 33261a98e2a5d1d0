// Zones inside one another, at the root, of one label, and the longest names.
#include <gtest/gtest.h>

#include "engine.hpp"

using summond::answer::Availability;
using summond::answer::Transport;
using summond::test::Engine;

namespace {

std::string soa_of(const std::string& zone) {
    return "AU " + zone + " 60 IN SOA ns.x. h.x. 1 2 3 4 60\n";
}

constexpr const char* any_apex = "@ 300 SOA ns.x. h.x. 1 2 3 4 60\n@ 300 NS ns.x.\n";

}  // namespace

TEST(NestedZones, TheClosestZoneAnswers) {
    Engine engine;
    engine.add_zone("example", std::string(any_apex) + R"(
a.child 300 A 192.0.2.1
child 300 NS ns.child
child 300 DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.child 300 A 192.0.2.2
into 300 CNAME www.child
www.deep.er 300 A 192.0.2.3
*.deep.er 300 A 192.0.2.4
)");
    engine.add_zone("child.example", std::string(any_apex) + "www 300 A 192.0.2.10\n");
    engine.add_zone("z.er.example", any_apex);
    engine.build();
    EXPECT_EQ(engine.ask({"www.child.example"}),
              "NOERROR aa\nAN www.child.example. 300 IN A 192.0.2.10\n");
    // Hidden by the nested zone.
    EXPECT_EQ(engine.ask({"a.child.example"}), "NXDOMAIN aa\n" + soa_of("child.example."));
    EXPECT_EQ(engine.ask({"ns.child.example"}), "NXDOMAIN aa\n" + soa_of("child.example."));
    EXPECT_EQ(engine.ask({"child.example", "NS"}),
              "NOERROR aa\nAN child.example. 300 IN NS ns.x.\n");
    // DS is the parent's.
    EXPECT_EQ(engine.ask({"child.example", "DS"}),
              "NOERROR aa\nAN child.example. 300 IN DS 1 8 2 "
              "0000000000000000000000000000000000000000000000000000000000000000\n");
    EXPECT_EQ(engine.ask({"z.er.example", "DS"}), "NOERROR aa\n" + soa_of("example."));
    EXPECT_EQ(engine.ask({"example", "DS"}), "NOERROR aa\n" + soa_of("example."));
    EXPECT_EQ(engine.ask({"x.child.example", "DS"}), "NXDOMAIN aa\n" + soa_of("child.example."));
    // A chain does not leave its zone.
    EXPECT_EQ(engine.ask({"into.example"}),
              "NOERROR aa\nAN into.example. 300 IN CNAME www.child.example.\n");
    EXPECT_EQ(engine.ask({"er.example"}), "NOERROR aa\n" + soa_of("example."));
    EXPECT_EQ(engine.ask({"q.er.example"}), "NXDOMAIN aa\n" + soa_of("example."));
    EXPECT_EQ(engine.ask({"q.deep.er.example"}),
              "NOERROR aa\nAN q.deep.er.example. 300 IN A 192.0.2.4\n");
}

TEST(NestedZones, DsIsAnsweredByTheZoneDirectlyAbove) {
    const std::string ds =
        " 300 DS 1 8 2 "
        "0000000000000000000000000000000000000000000000000000000000000000\n";
    // The outermost zone has data at names that belong to the innermost; in either order.
    for (const bool outer_first : {true, false}) {
        Engine engine;
        const std::string outer = std::string(any_apex) + "b.a 300 NS ns.x.\nb.a" + ds;
        if (outer_first)
            engine.add_zone("example", outer);
        engine.add_zone("a.example", any_apex);
        engine.add_zone("b.a.example", any_apex);
        if (!outer_first)
            engine.add_zone("example", outer);
        engine.build();
        EXPECT_EQ(engine.ask({"b.a.example", "DS"}), "NOERROR aa\n" + soa_of("a.example."));
        EXPECT_EQ(engine.ask({"a.example", "DS"}), "NOERROR aa\n" + soa_of("example."));
    }
}

TEST(NestedZones, DsOfAnAliasStandsOnTheParentsSideToo) {
    const std::string ds =
        "DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000\n";
    Engine engine;
    engine.add_zone("example", std::string(any_apex) + "child 300 NS ns.x.\nchild 300 " + ds +
                                   "to 300 CNAME child\n");
    engine.add_zone("child.example", std::string(any_apex) + "back 300 CNAME child.example.\n");
    engine.build();
    EXPECT_EQ(engine.ask({"to.example", "DS"}),
              "NOERROR aa\nAN to.example. 300 IN CNAME child.example.\n"
              "AN child.example. 300 IN " +
                  ds);
    // The parent's data is not believed in an answer of the child.
    EXPECT_EQ(engine.ask({"back.child.example", "DS"}),
              "NOERROR aa\nAN back.child.example. 300 IN CNAME child.example.\n");
}

TEST(NestedZones, OneBelowADelegationOfAnother) {
    Engine engine;
    engine.add_zone("example", std::string(any_apex) + "sub 300 NS ns.elsewhere.\n");
    engine.add_zone("a.b.sub.example", std::string(any_apex) + "www 300 A 192.0.2.10\n");
    engine.build();
    const std::string referral = "NOERROR\nAU sub.example. 300 IN NS ns.elsewhere.\n";
    EXPECT_EQ(engine.ask({"www.a.b.sub.example"}),
              "NOERROR aa\nAN www.a.b.sub.example. 300 IN A 192.0.2.10\n");
    EXPECT_EQ(engine.ask({"b.sub.example"}), referral);
    EXPECT_EQ(engine.ask({"c.b.sub.example"}), referral);
    EXPECT_EQ(engine.ask({"a.b.sub.example", "DS"}), referral);
}

TEST(NestedZones, OneBelowADnameOfAnother) {
    Engine engine;
    engine.add_zone("example",
                    std::string(any_apex) + "old 300 DNAME new\nb.new 300 A 192.0.2.1\n");
    engine.add_zone("a.b.old.example", any_apex);
    engine.build();
    EXPECT_EQ(engine.ask({"b.old.example"}),
              "NOERROR aa\nAN old.example. 300 IN DNAME new.example.\n"
              "AN b.old.example. 300 IN CNAME b.new.example.\n"
              "AN b.new.example. 300 IN A 192.0.2.1\n");
    EXPECT_EQ(engine.ask({"a.b.old.example"}), "NOERROR aa\n" + soa_of("a.b.old.example."));
}

TEST(RootZone, AnswersEverything) {
    Engine engine;
    engine.add_zone(".", std::string(any_apex) +
                             "example NS ns.example\nns.example A 192.0.2.1\nx A 192.0.2.2\n"
                             "alias CNAME x\n");
    engine.build();
    EXPECT_EQ(engine.ask({".", "NS"}), "NOERROR aa\nAN . 300 IN NS ns.x.\n");
    EXPECT_EQ(engine.ask({"."}), "NOERROR aa\n" + soa_of("."));
    EXPECT_EQ(engine.ask({".", "DS"}), "NOERROR aa\n" + soa_of("."));
    EXPECT_EQ(engine.ask({"a.b.c"}), "NXDOMAIN aa\n" + soa_of("."));
    EXPECT_EQ(engine.ask({"alias"}),
              "NOERROR aa\nAN alias. 300 IN CNAME x.\nAN x. 300 IN A 192.0.2.2\n");
    EXPECT_EQ(engine.ask({"www.example"}),
              "NOERROR\nAU example. 300 IN NS ns.example.\nAD ns.example. 300 IN A 192.0.2.1\n");
}

TEST(NoZones, RefusesEverything) {
    Engine engine;
    engine.build();
    EXPECT_EQ(engine.ask({"."}), "REFUSED\n");
    EXPECT_EQ(engine.ask({"www.example"}), "REFUSED\n");
}

TEST(LongNames, AreServedToTheLimit) {
    Engine engine;
    const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                std::string(63, 'c') + "." + std::string(53, 'd') + ".example";
    std::string many;
    for (int i = 0; i < 123; ++i)
        many += "x.";
    engine.add_zone("example", std::string(any_apex) + longest + ". 300 A 192.0.2.1\n" + many +
                                   "example. 300 A 192.0.2.2\n");
    engine.build();
    EXPECT_EQ(engine.ask({longest}), "NOERROR aa\nAN " + longest + ". 300 IN A 192.0.2.1\n");
    EXPECT_EQ(engine.ask({many + "example"}),
              "NOERROR aa\nAN " + many + "example. 300 IN A 192.0.2.2\n");
    // Each empty non-terminal on the way exists, and what is beside it does not.
    std::string suffix = "example";
    for (int i = 1; i < 123; ++i) {
        suffix = "x." + suffix;
        EXPECT_EQ(engine.ask({suffix}), "NOERROR aa\n" + soa_of("example."));
        EXPECT_EQ(engine.ask({"y." + suffix}), "NXDOMAIN aa\n" + soa_of("example."));
    }
    EXPECT_EQ(engine.ask({"y.y.y.y.y.x.x.x.example"}), "NXDOMAIN aa\n" + soa_of("example."));
}

TEST(Chains, StopAtTheirLimitAndAtLoops) {
    Engine engine;
    std::string text = any_apex;
    for (int i = 0; i < 40; ++i)
        text += "c" + std::to_string(i) + " 300 CNAME c" + std::to_string(i + 1) + "\n";
    text += "c40 300 A 192.0.2.1\n*.w 300 CNAME x.w\nself 300 CNAME self\n";
    text += "p 300 DNAME q\nq 300 DNAME p\ngrow 300 DNAME x.grow\n";
    text += "*.v 300 CNAME a.u\n*.u 300 CNAME b.v\n";
    engine.add_zone("example", text);
    engine.build();
    const auto answers = [&](const std::string& name) {
        const std::string answer = engine.ask({.name = name, .transport = Transport::tcp});
        EXPECT_EQ(answer.substr(0, 11), "NOERROR aa\n") << name;
        return std::count(answer.begin(), answer.end(), '\n') - 1;
    };
    EXPECT_EQ(answers("c30.example"), 11);
    EXPECT_EQ(answers("c0.example"), 16);
    EXPECT_EQ(answers("self.example"), 1);
    EXPECT_EQ(answers("a.w.example"), 2);
    EXPECT_EQ(answers("a.v.example"), 3);
    EXPECT_EQ(answers("a.p.example"), 4);  // two DNAME, two CNAME
    // x.grow, x.x.grow and so on: one DNAME, 16 CNAME.
    EXPECT_EQ(answers("a.grow.example"), 17);
}

// Names in RDATA are compressed against the owner when the image is built. Here the owner is not
// the question, so the pointers have to be moved.
TEST(Compression, HoldsWhereverAnRrsetStands) {
    Engine engine;
    engine.add_zone("jit.example", R"($TTL 300
@ SOA ns.jit.example. Host.Master.Jit.Example. 1 2 3 4 60
@ NS ns
ns A 192.0.2.1
deep.sub.tree MX 10 mail.deep.sub.tree
  MX 20 sub.tree
  MX 30 mail.other.example.
mail.deep.sub.tree A 192.0.2.2
one CNAME two.under
two.under CNAME three.two.under
three.two.under CNAME deep.sub.tree
*.wild MX 10 mail.wild
  MX 20 *.wild
  MX 30 x.*.wild
towild CNAME somewhere.in.wild
cut.of.zone NS ns.cut.of.zone
  NS ns.of.zone
ns.cut.of.zone A 192.0.2.3
ns.of.zone A 192.0.2.4
)");
    engine.build();
    EXPECT_EQ(engine.ask({"deep.sub.tree.jit.example", "MX"}),
              "NOERROR aa\n"
              "AN deep.sub.tree.jit.example. 300 IN MX 10 mail.deep.sub.tree.jit.example.\n"
              "AN deep.sub.tree.jit.example. 300 IN MX 20 sub.tree.jit.example.\n"
              "AN deep.sub.tree.jit.example. 300 IN MX 30 mail.other.example.\n"
              "AD mail.deep.sub.tree.jit.example. 300 IN A 192.0.2.2\n");
    EXPECT_EQ(engine.ask({"one.jit.example", "MX"}),
              "NOERROR aa\n"
              "AN one.jit.example. 300 IN CNAME two.under.jit.example.\n"
              "AN two.under.jit.example. 300 IN CNAME three.two.under.jit.example.\n"
              "AN three.two.under.jit.example. 300 IN CNAME deep.sub.tree.jit.example.\n"
              "AN deep.sub.tree.jit.example. 300 IN MX 10 mail.deep.sub.tree.jit.example.\n"
              "AN deep.sub.tree.jit.example. 300 IN MX 20 sub.tree.jit.example.\n"
              "AN deep.sub.tree.jit.example. 300 IN MX 30 mail.other.example.\n"
              "AD mail.deep.sub.tree.jit.example. 300 IN A 192.0.2.2\n");
    const auto wild = [](const std::string& owner) {
        return "AN " + owner + " 300 IN MX 10 mail.wild.jit.example.\n" +  //
               "AN " + owner + " 300 IN MX 20 *.wild.jit.example.\n" +     //
               "AN " + owner + " 300 IN MX 30 x.*.wild.jit.example.\n";
    };
    EXPECT_EQ(engine.ask({"q.wild.jit.example", "MX"}),
              "NOERROR aa\n" + wild("q.wild.jit.example."));
    EXPECT_EQ(engine.ask({"p.qqq.wild.jit.example", "MX"}),
              "NOERROR aa\n" + wild("p.qqq.wild.jit.example."));
    EXPECT_EQ(engine.ask({"towild.jit.example", "MX"}),
              "NOERROR aa\nAN towild.jit.example. 300 IN CNAME somewhere.in.wild.jit.example.\n" +
                  wild("somewhere.in.wild.jit.example."));
    EXPECT_EQ(engine.ask({"a.b.cut.of.zone.jit.example"}),
              "NOERROR\nAU cut.of.zone.jit.example. 300 IN NS ns.cut.of.zone.jit.example.\n"
              "AU cut.of.zone.jit.example. 300 IN NS ns.of.zone.jit.example.\n"
              "AD ns.cut.of.zone.jit.example. 300 IN A 192.0.2.3\n"
              "AD ns.of.zone.jit.example. 300 IN A 192.0.2.4\n");
    // Compressed, not written out: mail and a pointer, a pointer, mail.other and a pointer. Then an
    // address.
    const auto query = summond::test::query_bytes({"deep.sub.tree.jit.example", "MX"});
    EXPECT_EQ(engine.resolve(query).size, query.size() + 3 * 14U + 7 + 2 + 13 + 16);
}

TEST(Referrals, GlueBehind16KibOfNameServersHasItsOwnerWrittenOut) {
    Engine engine;
    std::string text = any_apex;
    for (int i = 0; i < 1000; ++i) {
        const std::string ns = "ns" + std::to_string(i) + ".sub";
        text += "sub 300 NS " + ns + "\n" + ns + " 300 A 192.0.2.1\n";
    }
    engine.add_zone("example", text);
    engine.build();
    const std::string answer = engine.ask({.name = "x.sub.example", .transport = Transport::tcp});
    EXPECT_EQ(answer.substr(0, 8), "NOERROR\n");
    EXPECT_EQ(std::count(answer.begin(), answer.end(), '\n'), 2001);
    EXPECT_NE(answer.find("AD ns999.sub.example. 300 IN A 192.0.2.1\n"), std::string::npos);
}

// RFC 8914 §4.25: a zone that the server is the authority of, without its data.
TEST(ZoneThatIsNotLoaded, IsAnsweredWithServfail) {
    Engine engine;
    engine.add_zone("example", std::string(any_apex) +
                                   "to 300 CNAME www.bad.example.\n"
                                   "bad 300 NS ns.x.\n");
    engine.add_zone("bad.example", std::string(any_apex) + "www 300 A nonsense\n");
    engine.add_zone("in.x.bad.example", any_apex);
    engine.add_service("s", {"s.bad.example"}, {"192.0.2.1"});
    engine.build(summond::zone::BadFile::tolerate);
    for (const std::string name : {"bad.example", "www.bad.example", "a.b.c.bad.example",
                                   "*.bad.example", "x.bad.example", "s.bad.example"}) {
        for (const std::string type : {"A", "SOA", "ANY", "CNAME", "DNSKEY"})
            EXPECT_EQ(engine.ask({name, type}), "SERVFAIL\n") << name << " " << type;
        EXPECT_EQ(engine.ask({.name = name, .edns = true}),
                  "SERVFAIL\nEDNS size=1232 ede=24:the zone is not loaded\n");
    }
    // The other zones are served; DS is the parent's.
    EXPECT_EQ(engine.ask({"bad.example", "DS"}), "NOERROR aa\n" + soa_of("example."));
    EXPECT_EQ(engine.ask({"in.x.bad.example", "DS"}), "SERVFAIL\n");
    EXPECT_EQ(engine.ask({"in.x.bad.example", "TXT"}),
              "NOERROR aa\n" + soa_of("in.x.bad.example."));
    EXPECT_EQ(engine.ask({"to.example"}),
              "NOERROR aa\nAN to.example. 300 IN CNAME www.bad.example.\n");
}
