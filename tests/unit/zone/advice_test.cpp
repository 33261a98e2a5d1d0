// What `check` warns of though it can be served, and what it must not warn of.
#include <gtest/gtest.h>

#include "builder.hpp"

using namespace summond;
using test::ZoneBuilder;

namespace {

constexpr const char* soa = "@ 300 SOA ns.other. h.other. 1 14400 3600 604800 300\n";
constexpr const char* apex =
    "@ 300 SOA ns.other. h.other. 1 14400 3600 604800 300\n"
    "@ 300 NS ns.other.\n";

std::string advice(const std::string& text, const std::string& zone = "t.example") {
    ZoneBuilder builder;
    builder.file("zone", text);
    builder.zone_with_file(zone, "zone");
    return builder.problems();
}

std::string advice_below(const std::string& text) {
    return advice(apex + text);
}

}  // namespace

TEST(Advice, IsSilentOfZonesThatWork) {
    EXPECT_EQ(advice(std::string(soa) + R"(@ NS ns1
@ NS ns2.t.example.
@ NS ns.elsewhere.example.
ns1 A 192.0.2.1
ns2 AAAA 2001:db8::1
@ MX 10 mail
@ MX 20 any.wild
@ MX 30 mx.other.
none MX 0 .
@ TXT "v=spf1 mx -all"
@ TXT "v=spf10 is another"
@ SPF "v=spf1 mx -all"
mail A 192.0.2.2
*.wild A 192.0.2.3
_imap._tcp SRV 0 1 143 mail
_pop3._tcp SRV 0 0 0 .
www CNAME web
web CNAME any.wild
text CNAME _x
_x TXT "no address, and none needed"
ent CNAME tcp
x.tcp A 192.0.2.9
_under_score A 192.0.2.8
sub NS ns.sub
sub NS ns1
sub NS ns.other.
ns.sub A 192.0.2.4
sib NS ns.sub
self NS self
self A 192.0.2.5
far CNAME host.sub
@ CAA 0 issue "ca.example"
t.example.x A 192.0.2.7
)"),
              "");
    // RFC 2317, and numbers as labels.
    EXPECT_EQ(advice(std::string(apex) + "1 PTR a.t.example.\n2 CNAME 2.0-15\n2.0-15 PTR b.x.\n"
                                         "4.3.2 CNAME 1.2.3.4.other.\n",
                     "2.0.192.in-addr.arpa"),
              "");
    EXPECT_EQ(advice(std::string(apex) + "example.lan A 192.0.2.1\nlan.lan A 192.0.2.2\n", "lan"),
              "");
}

TEST(Advice, NameServersNeedAddresses) {
    EXPECT_EQ(advice(std::string(soa) + R"(@ NS ns1.t.example
@ NS nowhere
@ NS text
@ NS alias
@ NS 192.0.2.1
@ NS 192.0.2.2.
@ NS 2001:db8::1.
@ NS my_host.other.
@ NS -x.other.
text TXT x
alias CNAME a
a A 192.0.2.1
)"),
              "zone:2: warning: name server ns1.t.example.t.example. does not exist; is the final "
              "dot of \"ns1.t.example.\" missing?\n"
              "zone:3: warning: name server nowhere.t.example. does not exist\n"
              "zone:4: warning: name server text.t.example. has no address\n"
              "zone:5: warning: name server alias.t.example. is an alias; resolvers want a name "
              "with an address (RFC 2181 §10.3)\n"
              "zone:6: warning: name server 192.0.2.1.t.example. is an address; it must be the "
              "name of a host\n"
              "zone:7: warning: name server 192.0.2.2. is an address; it must be the name of a "
              "host\n"
              "zone:8: warning: name server 2001:db8::1. is an address; it must be the name of a "
              "host\n"
              "zone:9: warning: name server my_host.other. is not a host name (RFC 1123 §2.1): "
              "letters, digits and hyphens\n"
              "zone:10: warning: name server -x.other. is not a host name (RFC 1123 §2.1): "
              "letters, digits and hyphens\n");
}

TEST(Advice, DelegationsNeedGlue) {
    EXPECT_EQ(advice_below(R"(sub NS ns.sub
two NS ns.x.two
two NS nowhere
ns.y.two A 192.0.2.1
t NS t
t TXT "only an address is glue"
)"),
              "zone:3: warning: sub.t.example. is delegated to ns.sub.t.example., which only an "
              "address here (glue) would make known\n"
              "zone:4: warning: two.t.example. is delegated to ns.x.two.t.example., which only an "
              "address here (glue) would make known\n"
              "zone:5: warning: name server nowhere.t.example. does not exist\n"
              "zone:7: warning: t.t.example. is delegated to t.t.example., which only an address "
              "here (glue) would make known\n");
}

TEST(Advice, MailAndServicesNeedHosts) {
    EXPECT_EQ(advice_below(R"(@ MX 10 mail.t.example
@ MX 10 192.0.2.1
@ MX 10 alias
@ MX 10 gone
@ MX 10 a_b.other.
_a._tcp SRV 0 0 1 192.0.2.2.
_b._tcp SRV 0 0 1 gone
_c._tcp SRV 0 0 1 alias
alias CNAME a
*.wild CNAME a
w MX 10 x.wild
a A 192.0.2.1
)"),
              "zone:3: warning: mail exchange mail.t.example.t.example. does not exist; is the "
              "final dot of \"mail.t.example.\" missing?\n"
              "zone:4: warning: mail exchange 192.0.2.1.t.example. is an address; it must be the "
              "name of a host\n"
              "zone:5: warning: mail exchange alias.t.example. is an alias; some mail servers want "
              "a name with an address (RFC 2181 §10.3)\n"
              "zone:6: warning: mail exchange gone.t.example. does not exist\n"
              "zone:7: warning: mail exchange a_b.other. is not a host name (RFC 1123 §2.1): "
              "letters, digits and hyphens\n"
              "zone:8: warning: the target of SRV 192.0.2.2. is an address; it must be the name of "
              "a host\n"
              "zone:9: warning: the target of SRV gone.t.example. does not exist\n"
              "zone:13: warning: mail exchange x.wild.t.example. is an alias; some mail servers "
              "want a name with an address (RFC 2181 §10.3)\n");
}

TEST(Advice, NamesByRuleExist) {
    ZoneBuilder builder;
    builder.file("zone", std::string(apex) +
                             "a CNAME x7.pages\nb CNAME x_7.pages\nc CNAME x.x7.pages\n"
                             "@ MX 5 x7.pages\n_http._tcp SRV 0 0 80 x7.pages\n");
    builder.zone_with_file("t.example", "zone");
    builder.rule("pages", "pages.t.example");
    EXPECT_EQ(
        builder.problems(),
        "zone:4: warning: b.t.example. is an alias of x_7.pages.t.example., which does not exist\n"
        "zone:5: warning: c.t.example. is an alias of x.x7.pages.t.example., which does not "
        "exist\n");
}

TEST(Advice, AliasesLeadSomewhere) {
    EXPECT_EQ(advice_below("a CNAME gone\nb CNAME c\nc CNAME b\nd CNAME d\n"
                           "e CNAME www.t.example\n*.f CNAME x.f\n"),
              "zone:3: warning: a.t.example. is an alias of gone.t.example., which does not exist\n"
              "zone:4: warning: b.t.example. is an alias that leads in a circle, or over more than "
              "16 others\n"
              "zone:5: warning: c.t.example. is an alias that leads in a circle, or over more than "
              "16 others\n"
              "zone:6: warning: d.t.example. is an alias that leads in a circle, or over more than "
              "16 others\n"
              "zone:7: warning: e.t.example. is an alias of www.t.example.t.example., which does "
              "not exist; is the final dot of \"www.t.example.\" missing?\n"
              "zone:8: warning: *.f.t.example. is an alias that leads in a circle, or over more "
              "than 16 others\n");
}

TEST(Advice, FinalDots) {
    EXPECT_EQ(advice("@ 300 SOA ns.t.example h.t.example 1 2 3 4 5\n@ 300 NS ns.other.\n"
                     "www.t.example A 192.0.2.1\nx.xt.example A 192.0.2.1\n"),
              "zone:1: warning: the SOA names ns.t.example.t.example.; is the final dot of "
              "\"ns.t.example.\" missing?\n"
              "zone:1: warning: the SOA names h.t.example.t.example.; is the final dot of "
              "\"h.t.example.\" missing?\n"
              "zone:3: warning: www.t.example.t.example. has the zone's name twice; is the final "
              "dot of \"www.t.example.\" missing?\n");
}

TEST(Advice, TimesAndMailOfTheSoa) {
    EXPECT_EQ(advice("@ 604800 SOA ns.other. me@other. 1 2 3 4 604800\n@ 300 NS ns.other.\n"),
              "zone:1: warning: the SOA's mail address me\\@other. has an \"@\"; DNS writes a dot "
              "there (RFC 1035 §8)\n"
              "zone:1: warning: resolvers keep it for 604800 seconds that a name does not exist: "
              "the lesser of the SOA's TTL and MINIMUM (RFC 2308 §5 has up to 3 hours)\n");
    EXPECT_EQ(advice("@ 300 SOA ns.other. me.other. 1 2 3 4 604800\n@ 300 NS ns.other.\n"), "");
}

TEST(Advice, SenderPolicy) {
    EXPECT_EQ(advice_below("a SPF \"v=spf1 -all\"\nb TXT \"v=spf1 -all\"\nb TXT \"V=SPF1\"\n"),
              "zone:3: warning: nobody asks for records of type SPF (RFC 7208 §3.1); write it as "
              "TXT\n"
              "zone:5: warning: b.t.example. has two SPF records, which counts as none (RFC 7208 "
              "§4.5)\n");
}

TEST(Advice, KnowsServicesAndOtherZones) {
    ZoneBuilder builder;
    config::Zone& zone = builder.zone("t.example");
    zone.ns = {ZoneBuilder::name("ns.t.example"), ZoneBuilder::name("gone.t.example"),
               ZoneBuilder::name("x.in.t.example")};
    zone.ns_where = {{5, 10}, {6, 10}, {7, 10}};
    zone.records = {{"@ MX 10 www", {"summond.yaml", 8, 9}},
                    {"@ MX 10 no", {"summond.yaml", 9, 9}}};
    builder.zone("in.t.example");
    builder.service("ns", "ns.t.example", "192.0.2.1");
    builder.service("www", "www.t.example", "192.0.2.2");
    EXPECT_EQ(builder.problems(),
              "summond.yaml:6:10: warning: name server gone.t.example. does not exist\n"
              "summond.yaml:9:9: warning: mail exchange no.t.example. does not exist\n");
}
