// What is answered from zones that are signed: by NSEC, by NSEC3, and with opt-out.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "engine.hpp"
#include "summond/sign/nsec3.hpp"

using summond::answer::Availability;
using summond::answer::Transport;
using summond::test::Ask;
using summond::test::Engine;
using summond::test::name;
namespace sign = summond::sign;

namespace {

std::string zone_text(const std::string& file) {
    std::ifstream stream(SIGNED_ZONES "/" + file + ".zone");
    return {std::istreambuf_iterator<char>(stream), {}};
}

// Parameters of the NSEC3 zones.
const std::vector<std::uint8_t> salt{0xab, 0xcd};

std::string hash_of(const std::string& text, bool opt_out) {
    const auto parameters = opt_out ? sign::Nsec3Parameters{0, {}} : sign::Nsec3Parameters{2, salt};
    const auto label = sign::nsec3_label(sign::nsec3_hash(name(text).wire(), parameters));
    return {label.begin() + 1, label.end()};
}

class Signed : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        engine.add_zone("jit.example", zone_text(GetParam()));
        engine.add_service("www", {"www.jit.example"}, {"192.0.2.80", "192.0.2.81"});
        engine.build();
        engine.state(0).availability = Availability::answerable;
    }
    bool hashed() const { return std::string(GetParam()) != "nsec"; }
    bool opt_out() const { return std::string(GetParam()) == "optout"; }

    // Header and records in short; of NSEC3 records that have or cover one of `names`, these.
    std::string ask(const std::string& question, const std::string& type = "A",
                    std::vector<std::string> names = {}) {
        const std::string text = engine.ask({.name = question,
                                             .type = type,
                                             .edns = true,
                                             .dnssec_ok = true,
                                             .transport = Transport::tcp});
        std::istringstream lines(text);
        std::string line;
        std::string shape;
        while (std::getline(lines, line))
            shape += in_short(line, names);
        return shape;
    }
    std::string in_short(const std::string& line, const std::vector<std::string>& names) const {
        std::smatch part;
        const std::regex record("(AN|AU|AD) (\\S+) \\d+ IN (\\S+) (.*)");
        if (!std::regex_match(line, part, record))
            return line.starts_with("EDNS") ? "" : line + "\n";
        const std::string section = part[1];
        std::string owner = part[2];
        const std::string type = part[3];
        const std::string data = part[4];
        if (type == "RRSIG")
            return "";  // counted below
        if (type == "NSEC")
            return section + " NSEC " + owner + " " + data.substr(0, data.find(' ')) + "\n";
        if (type == "NSEC3") {
            std::istringstream fields(data);
            const std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
            const std::string hash = owner.substr(0, 32);
            const std::string next = words.at(4);
            std::string about = "NSEC3";
            for (const std::string& text : names) {
                const std::string wanted = hash_of(text, opt_out());
                if (wanted == hash)
                    about += " has " + text;
                else if (hash < next ? hash < wanted && wanted < next
                                     : wanted > hash || wanted < next)
                    about += " covers " + text;
            }
            return section + " " + about + "\n";
        }
        return section + " " + owner + " " + type + " " + data.substr(0, 24) + "\n";
    }
    // How many RRSIG records there are over RRsets of a section, and how many RRsets without.
    std::pair<int, int> signatures(const std::string& question, const std::string& type) {
        const std::string text = engine.ask({.name = question,
                                             .type = type,
                                             .edns = true,
                                             .dnssec_ok = true,
                                             .transport = Transport::tcp});
        std::set<std::string> sets;
        std::set<std::string> covered;
        std::smatch part;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            if (std::regex_match(line, part, std::regex("(A[NUD] \\S+) (\\d+) IN RRSIG (\\S+) .*")))
                covered.insert(std::string(part[1]) + " " + std::string(part[3]) +
                               std::string(part[2]));
            else if (std::regex_match(line, part, std::regex("(A[NUD] \\S+) (\\d+) IN (\\S+) .*")))
                sets.insert(std::string(part[1]) + " " + std::string(part[3]) +
                            std::string(part[2]));
        }
        std::vector<std::string> missing;
        std::set_difference(sets.begin(), sets.end(), covered.begin(), covered.end(),
                            std::back_inserter(missing));
        return {static_cast<int>(covered.size()), static_cast<int>(missing.size())};
    }
    Engine engine;
};

constexpr const char* soa = "AU jit.example. SOA ns1.jit.example. hostmas\n";

}  // namespace

INSTANTIATE_TEST_SUITE_P(, Signed, testing::Values("nsec", "nsec3", "optout"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Signed, EverythingButDelegationsGlueAndMadeAliasesHasItsSignature) {
    using Counts = std::pair<int, int>;
    EXPECT_EQ(signatures("mail.jit.example", "A"), Counts(1, 0));
    EXPECT_EQ(signatures("jit.example", "DNSKEY"), Counts(1, 0));
    EXPECT_EQ(signatures("alias.jit.example", "A"), Counts(2, 0));
    EXPECT_EQ(signatures("www.jit.example", "A"), Counts(1, 0));
    // The target's addresses, too.
    EXPECT_EQ(signatures("jit.example", "MX"), Counts(3, 0));
    // DNAME and the target's address; the CNAME between has none (RFC 6672 §5.3.1).
    EXPECT_EQ(signatures("y.d1.jit.example", "A"), Counts(2, 1));
    // DS, not NS and glue.
    EXPECT_EQ(signatures("x.sub.jit.example", "A"), Counts(1, 2));
    EXPECT_EQ(signatures("sub.jit.example", "DS"), Counts(1, 0));
    // SOA and what denies, with the TTLs of what they cover (checked by name and TTL).
    EXPECT_EQ(signatures("mail.jit.example", "TXT"), Counts(2, 0));
}

TEST_P(Signed, WithoutDoNothingIsDifferentFromTheZoneUnsigned) {
    std::string unsigned_text;
    std::istringstream lines(zone_text(GetParam()));
    for (std::string line; std::getline(lines, line);)
        if (!std::regex_search(line, std::regex(" IN (RRSIG|NSEC|NSEC3) ")) &&
            line.find("IN") != line.npos)
            unsigned_text += line + "\n";
    // Of records over two lines (signatures, keys) the second ones have no IN. Keys stay in one
    // line.
    Engine plain;
    plain.add_zone("jit.example", unsigned_text);
    plain.build();
    for (const char* question :
         {"jit.example", "mail.jit.example", "no.jit.example", "b.c.jit.example",
          "q.wild.jit.example", "x.wild.jit.example", "y.d1.jit.example", "alias.jit.example",
          "towild.jit.example", "r.cw.jit.example", "x.sub.jit.example", "sub2.jit.example",
          "ent2.jit.example", "www.jit.example", "gone.jit.example"}) {
        for (const char* type : {"A", "TXT", "MX", "DS", "NS", "HTTPS", "NSEC3PARAM", "ANY"})
            EXPECT_EQ(engine.ask({question, type}), plain.ask({question, type}))
                << question << type;
    }
}

TEST_P(Signed, NoData) {
    if (!hashed()) {
        EXPECT_EQ(
            ask("mail.jit.example", "TXT"),
            std::string("NOERROR aa\n") + soa + "AU NSEC mail.jit.example. ns1.jit.example.\n");
    } else {
        EXPECT_EQ(ask("mail.jit.example", "TXT", {"mail.jit.example"}),
                  std::string("NOERROR aa\n") + soa + "AU NSEC3 has mail.jit.example\n");
    }
}

TEST_P(Signed, EmptyNonTerminal) {
    if (!hashed()) {
        EXPECT_EQ(ask("b.c.jit.example"), std::string("NOERROR aa\n") + soa +
                                              "AU NSEC away.jit.example. a.b.c.jit.example.\n");
    } else {
        EXPECT_EQ(ask("b.c.jit.example", "A", {"b.c.jit.example"}),
                  std::string("NOERROR aa\n") + soa + "AU NSEC3 has b.c.jit.example\n");
    }
}

TEST_P(Signed, NoSuchName) {
    if (!hashed()) {
        EXPECT_EQ(ask("nothing.jit.example"), std::string("NXDOMAIN aa\n") + soa +
                                                  "AU NSEC mail.jit.example. ns1.jit.example.\n"
                                                  "AU NSEC jit.example. _x._tcp.jit.example.\n");
        // One record is enough where it denies the wildcard as well.
        EXPECT_EQ(
            ask("a.x.wild.jit.example"),
            std::string("NXDOMAIN aa\n") + soa + "AU NSEC x.wild.jit.example. www.jit.example.\n");
        return;
    }
    const std::string text =
        ask("a.nothing.jit.example", "A", {"jit.example", "nothing.jit.example", "*.jit.example"});
    for (const char* part :
         {"has jit.example", "covers nothing.jit.example", "covers *.jit.example"})
        EXPECT_NE(text.find(part), std::string::npos) << text;
    // Nobody can ask for a hash (RFC 5155 §7.2.8).
    EXPECT_TRUE(
        ask(hash_of("jit.example", opt_out()) + ".jit.example", "NSEC3").starts_with("NXDOMAIN"));
}

TEST_P(Signed, Wildcards) {
    if (!hashed()) {
        EXPECT_EQ(ask("q.wild.jit.example"),
                  "NOERROR aa\nAN q.wild.jit.example. A 192.0.2.4\n"
                  "AU NSEC *.wild.jit.example. x.wild.jit.example.\n");
        EXPECT_EQ(ask("q.wild.jit.example", "MX"),
                  std::string("NOERROR aa\n") + soa +
                      "AU NSEC *.wild.jit.example. x.wild.jit.example.\n");
        EXPECT_EQ(ask("towild.jit.example"),
                  "NOERROR aa\nAN towild.jit.example. CNAME q.wild.jit.example.\n"
                  "AN q.wild.jit.example. A 192.0.2.4\n"
                  "AU NSEC *.wild.jit.example. x.wild.jit.example.\n");
        // Two wildcards, of which the second one's name is not there either.
        EXPECT_EQ(ask("a.cw.jit.example"),
                  "NOERROR aa\nAN a.cw.jit.example. CNAME mail.jit.example.\n"
                  "AN mail.jit.example. A 192.0.2.25\n"
                  "AU NSEC *.cw.jit.example. *.cwild.jit.example.\n");
        EXPECT_EQ(ask("a.cwild.jit.example"),
                  "NOERROR aa\nAN a.cwild.jit.example. CNAME r.wild.jit.example.\n"
                  "AN r.wild.jit.example. A 192.0.2.4\n"
                  "AU NSEC *.cwild.jit.example. d1.jit.example.\n"
                  "AU NSEC *.wild.jit.example. x.wild.jit.example.\n");
        return;
    }
    EXPECT_EQ(
        ask("a.q.wild.jit.example", "A", {"q.wild.jit.example"}),
        "NOERROR aa\nAN a.q.wild.jit.example. A 192.0.2.4\nAU NSEC3 covers q.wild.jit.example\n");
    const std::string text = ask("q.wild.jit.example", "MX",
                                 {"wild.jit.example", "q.wild.jit.example", "*.wild.jit.example"});
    for (const char* part : {"has wild.", "covers q.wild.", "has *.wild."})
        EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_P(Signed, Delegations) {
    EXPECT_EQ(ask("x.sub.jit.example").substr(0, 8), "NOERROR\n");
    EXPECT_NE(ask("x.sub.jit.example").find("DS 1 13 2"), std::string::npos);
    EXPECT_NE(ask("tosub.jit.example").find("AU sub.jit.example. DS 1 13 2"), std::string::npos);
    if (!hashed()) {
        EXPECT_EQ(ask("x.sub2.jit.example"),
                  "NOERROR\nAU sub2.jit.example. NS ns.sub.jit.example.\n"
                  "AU NSEC sub2.jit.example. Text.jit.example.\n"
                  "AD ns.sub.jit.example. A 192.0.2.66\n");
        EXPECT_EQ(
            ask("sub2.jit.example", "DS"),
            std::string("NOERROR aa\n") + soa + "AU NSEC sub2.jit.example. Text.jit.example.\n");
    } else if (!opt_out()) {
        EXPECT_EQ(ask("x.sub2.jit.example", "A", {"sub2.jit.example"}),
                  "NOERROR\nAU sub2.jit.example. NS ns.sub.jit.example.\n"
                  "AU NSEC3 has sub2.jit.example\nAD ns.sub.jit.example. A 192.0.2.66\n");
    } else {
        // RFC 5155 §7.2.4, §7.2.7: the closest name that is proved, and what covers the one below.
        for (const auto& text :
             {ask("x.sub2.jit.example", "A", {"jit.example", "sub2.jit.example"}),
              ask("sub2.jit.example", "DS", {"jit.example", "sub2.jit.example"})}) {
            EXPECT_NE(text.find("has jit.example"), std::string::npos) << text;
            EXPECT_NE(text.find("covers sub2.jit.example"), std::string::npos) << text;
        }
        // Of x.ent2, which is delegated, neither it nor the empty non-terminal above is in the
        // chain.
        const std::string deep =
            ask("a.x.ent2.jit.example", "A", {"jit.example", "ent2.jit.example"});
        EXPECT_NE(deep.find("has jit.example"), std::string::npos) << deep;
        EXPECT_NE(deep.find("covers ent2.jit.example"), std::string::npos) << deep;
    }
}

TEST_P(Signed, AnyHasOneSetThatIsSigned) {
    const std::string text =
        engine.ask({.name = "mail.jit.example", .type = "ANY", .edns = true, .dnssec_ok = true});
    EXPECT_NE(text.find("IN A 192.0.2.25"), std::string::npos) << text;
    EXPECT_NE(text.find("IN RRSIG A 13"), std::string::npos) << text;
    EXPECT_EQ(text.find("HINFO"), std::string::npos) << text;
    // Of a service not its addresses: ANY wakes nothing.
    engine.state(0).availability = Availability::asleep;
    const std::string service =
        engine.ask({.name = "www.jit.example", .type = "ANY", .edns = true, .dnssec_ok = true});
    EXPECT_NE(service.find("IN HTTPS 1 ."), std::string::npos) << service;
    EXPECT_EQ(engine.ask({.name = "www.jit.example", .edns = true, .dnssec_ok = true}), "park 0");
}

TEST_P(Signed, SignaturesAreAnsweredWhenAskedFor) {
    const std::string text = engine.ask({.name = "mail.jit.example", .type = "RRSIG"});
    EXPECT_NE(text.find("RRSIG A 13"), std::string::npos) << text;
    EXPECT_NE(text.find("RRSIG AAAA 13"), std::string::npos) << text;
    EXPECT_TRUE(engine.ask({.name = "b.c.jit.example", .type = "RRSIG"})
                    .starts_with("NOERROR aa\nAU jit.example."));
}

TEST_P(Signed, WhatDoesNotFitIsTruncated) {
    const std::string text = engine.ask(
        {.name = "a.cwild.jit.example", .edns = true, .udp_size = 512, .dnssec_ok = true});
    EXPECT_TRUE(text.starts_with("NOERROR aa tc\n")) << text;
    // Addresses of a target are left out together with their signatures, without TC.
    const std::string mx = engine.ask(
        {.name = "jit.example", .type = "MX", .edns = true, .udp_size = 512, .dnssec_ok = true});
    EXPECT_TRUE(mx.starts_with("NOERROR aa\n")) << mx;
    EXPECT_EQ(mx.find("AD mail.jit.example. 300 IN AAAA") == std::string::npos,
              mx.find("RRSIG AAAA") == std::string::npos)
        << mx;
}
