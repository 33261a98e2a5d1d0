// A bad zone file is its zone's affair: the others are served.
#include <gtest/gtest.h>

#include "builder.hpp"
#include "summond/dns/wire.hpp"

using namespace summond;
using dns::Type;
using test::ZoneBuilder;

namespace {

const std::string good_apex = "@ 300 SOA ns.other. h.other. 1 2 3 4 5\n@ 300 NS ns.other.\n";
constexpr const char* servfail =
    "summond.yaml:3:5: warning: zone bad.example. cannot be loaded, see its errors; queries for it "
    "are answered with SERVFAIL\n";
constexpr const char* kept =
    "summond.yaml:3:5: warning: zone bad.example. cannot be loaded, see its errors; it stays as it "
    "was\n";

class BadFileTest : public testing::Test {
  protected:
    BadFileTest() {
        builder.zone_with_file("bad.example", "bad");
        builder.zone_with_file("good.example", "good");
        builder.file("good", good_apex + "a A 192.0.2.1\n");
    }
    // The zone as it is served: "" or "not loaded".
    std::string state(const std::string& zone) {
        const auto zones = zone::Zones::open(builder.built.image);
        const auto found = find(*zones, zone);
        EXPECT_TRUE(found.exact);
        return zones->zone(found.node->zone).negative_soa == 0 ? "not loaded" : "";
    }
    static zone::Zones::Found find(const zone::Zones& zones, const std::string& name) {
        dns::FoldedName folded;
        folded.assign(ZoneBuilder::name(name).wire());
        return zones.find(folded);
    }
    // Every RRset of a name as it stands in the image: type, TTL and data in hexadecimal.
    static std::string rrsets(const zone::Zones& zones, const std::string& name) {
        const auto found = find(zones, name);
        if (!found.exact)
            return "none";
        std::string text;
        const auto* rrset = found.node->first();
        for (unsigned i = 0; i < found.node->rrset_count; ++i, rrset = rrset->next()) {
            text += std::to_string(static_cast<unsigned>(rrset->type)) + ":";
            for (unsigned octet = 0; octet < rrset->size; ++octet) {
                char hex[3];
                std::snprintf(hex, sizeof hex, "%02x", rrset->records()[octet]);
                text += hex;
            }
            text += "\n";
        }
        return text;
    }
    ZoneBuilder builder;
};

}  // namespace

TEST_F(BadFileTest, IsServfailAtTheStart) {
    for (const auto& [content, what] :
         {std::pair{"a.other. A 192.0.2.1\n",
                    "bad:3:1: a.other. is not in the zone bad.example.\n"},
          std::pair{
              "a 2147483648 A 192.0.2.1\n",
              "bad:3:3: \"2147483648\" is not a TTL; 3600 or 1h is, up to 2147483647 seconds\n"},
          std::pair{"a A\n",
                    "bad:3:3: bad A record: address is missing; the fields are: address\n"},
          std::pair{"a CNAME b.\na TXT x\n",
                    "bad:4: a.bad.example. has a CNAME record and TXT; a CNAME allows no other "
                    "data\n"}}) {
        builder.file("bad", good_apex + content);
        builder.tolerated();
        EXPECT_EQ(builder.tolerated(), std::string(what) + servfail);
        EXPECT_EQ(state("bad.example"), "not loaded");
        EXPECT_EQ(state("good.example"), "");
        EXPECT_EQ(zone::Zones::open(builder.built.image)->header().unloaded_zone_count, 1U);
        EXPECT_EQ(builder.problems(), what);  // `check` is strict
    }
    std::filesystem::remove(builder.path("bad"));
    EXPECT_EQ(builder.tolerated(),
              std::string("summond.yaml:4:11: cannot read zone file bad: No such file or "
                          "directory\n") +
                  servfail);
}

TEST_F(BadFileTest, HasNoNamesButThoseOfZonesInIt) {
    builder.file("bad", "nonsense\n");
    builder.zone("in.x.bad.example");
    builder.service("www", "www.bad.example", "192.0.2.1");
    builder.tolerated();
    const auto zones = zone::Zones::open(builder.built.image);
    EXPECT_EQ(rrsets(*zones, "www.bad.example"), "none");
    EXPECT_EQ(rrsets(*zones, "bad.example"), "");
    EXPECT_EQ(find(*zones, "x.bad.example").node->zone, find(*zones, "bad.example").node->zone);
    EXPECT_EQ(state("in.x.bad.example"), "");
}

TEST_F(BadFileTest, WhatIsWrongInTheConfigurationStillRefusesIt) {
    builder.file("bad", good_apex);
    builder.config.zones[0].records = {{"a A x", {"summond.yaml", 9, 9}}};
    EXPECT_EQ(builder.tolerated(),
              "summond.yaml:9:9: bad A record: \"x\" is not an IPv4 address\n");
    EXPECT_TRUE(builder.built.image.empty());
}

TEST_F(BadFileTest, StaysAsItWasAtAReload) {
    builder.file("bad", good_apex + R"(@ MX 10 mail
@ MX 20 mail.other.
mail 60 A 192.0.2.1
mail AAAA 2001:db8::1
*.w CNAME mail
d DNAME other.
_s._tcp SRV 1 2 3 mail
sub NS ns.sub
sub NS NS.other.
ns.sub A 192.0.2.2
x.y.z HTTPS 1 mail alpn=h2
t TXT "one" "two" three
in NS ns.in
in TYPE65280 \# 3 010203
r RP mail t
)");
    builder.zone("in.bad.example");
    ASSERT_EQ(builder.errors(), "");
    const auto first = std::move(builder.built);
    const auto before = zone::Zones::open(first.image);
    builder.file("bad", "nonsense\n");
    EXPECT_EQ(builder.tolerated(&*before),
              std::string("bad:1:1: the record type is missing\n") + kept);
    const auto zones = zone::Zones::open(builder.built.image);
    EXPECT_EQ(state("bad.example"), "");
    for (const std::string name :
         {"bad.example", "mail.bad.example", "*.w.bad.example", "d.bad.example",
          "_s._tcp.bad.example", "sub.bad.example", "ns.sub.bad.example", "y.z.bad.example",
          "x.y.z.bad.example", "t.bad.example", "in.bad.example", "r.bad.example"}) {
        EXPECT_EQ(rrsets(*zones, name), rrsets(*before, name)) << name;
        EXPECT_EQ(find(*zones, name).node->flags, find(*before, name).node->flags) << name;
    }
    const auto parent_side = [](const zone::Zones& in) {
        return in.at<zone::image::Node>(in.zone(find(in, "in.bad.example").node->zone).parent_side)
            ->rrset_count;
    };
    EXPECT_EQ(parent_side(*zones), parent_side(*before));
    // And once more, from the image that has it from the one before.
    const auto second = std::move(builder.built);
    const auto again = zone::Zones::open(second.image);
    builder.tolerated(&*again);
    EXPECT_EQ(rrsets(*zone::Zones::open(builder.built.image), "bad.example"),
              rrsets(*before, "bad.example"));
}

TEST_F(BadFileTest, KeepsNothingOfServicesThatAreGone) {
    builder.config.zones[0].name = ZoneBuilder::name("2.0.192.in-addr.arpa");
    builder.file("bad", good_apex + "9 PTR nine.\n");
    builder.service("old", "old.good.example", "192.0.2.7");
    builder.service("both", "both.2.0.192.in-addr.arpa", "192.0.2.8");
    ASSERT_EQ(builder.errors(), "");
    const auto first = std::move(builder.built);
    const auto before = zone::Zones::open(first.image);
    EXPECT_NE(rrsets(*before, "7.2.0.192.in-addr.arpa"), "none");
    builder.config.services.clear();
    builder.service("new", "new.good.example", "192.0.2.6");
    builder.file("bad", "nonsense\n");
    builder.tolerated(&*before);
    const auto zones = zone::Zones::open(builder.built.image);
    EXPECT_EQ(rrsets(*zones, "7.2.0.192.in-addr.arpa"), "none");
    EXPECT_EQ(rrsets(*zones, "both.2.0.192.in-addr.arpa"), "none");
    EXPECT_NE(rrsets(*zones, "6.2.0.192.in-addr.arpa"), "none");
    EXPECT_EQ(rrsets(*zones, "9.2.0.192.in-addr.arpa"), rrsets(*before, "9.2.0.192.in-addr.arpa"));
}

TEST_F(BadFileTest, OldContentThatHasNoPlaceForAServiceRefusesTheReload) {
    builder.file("bad", good_apex + "www A 192.0.2.1\n");
    ASSERT_EQ(builder.errors(), "");
    const auto first = std::move(builder.built);
    const auto before = zone::Zones::open(first.image);
    builder.file("bad", "nonsense\n");
    builder.service("www", "www.bad.example", "192.0.2.2");
    EXPECT_EQ(
        builder.tolerated(&*before),
        std::string("bad:1:1: the record type is missing\n") + kept +
            "summond.yaml:3:5: www.bad.example. is a service's name and cannot have A records "
            "of its own\n");
    EXPECT_TRUE(builder.built.image.empty());
}

TEST_F(BadFileTest, ThatWasNotServedBeforeIsServfail) {
    builder.file("bad", "nonsense\n");
    builder.tolerated();
    const auto first = std::move(builder.built);
    const auto before = zone::Zones::open(first.image);
    EXPECT_NE(builder.tolerated(&*before).find(servfail), std::string::npos);
    builder.config.zones[0].name = ZoneBuilder::name("x.good.example");
    EXPECT_NE(builder.tolerated(&*before).find("SERVFAIL"), std::string::npos);
}
