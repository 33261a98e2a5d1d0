// What is said of zones that are signed elsewhere.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>

#include "builder.hpp"

using namespace summond;
using test::ZoneBuilder;

namespace {

constexpr std::int64_t in_2030 = 1893456000;
constexpr std::int64_t day = 86400;
constexpr std::int64_t expiration = 3786912000;  // of all signatures; 2090-01-01

std::string zone_text(const std::string& file) {
    std::ifstream stream(SIGNED_ZONES "/" + file + ".zone");
    return {std::istreambuf_iterator<char>(stream), {}};
}

// The first line that matches, changed; empty: taken out.
std::string changed(const std::string& text, const std::string& line, const std::string& to) {
    const std::regex pattern("(^|\n)" + line + "[^\n]*");
    EXPECT_TRUE(std::regex_search(text, pattern)) << line;
    return std::regex_replace(text, pattern, "$1" + to, std::regex_constants::format_first_only);
}

std::string problems_when(const std::string& text, std::int64_t now = in_2030,
                          std::size_t signatures = SIZE_MAX) {
    ZoneBuilder builder;
    builder.file("zone", text);
    builder.zone_with_file("jit.example", "zone");
    builder.checks = {now, signatures};
    // Aliases of the zone that lead nowhere are no concern of these tests.
    return std::regex_replace(builder.problems(),
                              std::regex("[^\n]*gone.jit.example. is an alias[^\n]*\n"), "");
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST(SignedZone, IsRight) {
    for (const char* file : {"nsec", "nsec3", "optout"})
        EXPECT_EQ(problems_when(zone_text(file)),
                  std::string(file) == "nsec3"
                      ? "zone:9: warning: NSEC3 with 2 iterations; RFC 9276 §3.1 wants 0\n"
                      : "")
            << file;
}

TEST(SignedZone, SignaturesRunOut) {
    const std::string text = zone_text("nsec");
    EXPECT_EQ(problems_when(text, expiration - 8 * day), "");
    EXPECT_EQ(
        problems_when(text, expiration - 6 * day),
        "zone:4: warning: zone jit.example.: signatures run out from 2090-01-01 00:00 UTC on; "
        "sign the zone again\n");
    EXPECT_EQ(
        problems_when(text, expiration + day),
        "zone:4: zone jit.example.: the signatures of 46 record sets have run out, the first on "
        "2090-01-01 00:00 UTC (the clock says 2090-01-02 00:00 UTC)\n");
}

TEST(SignedZone, IsTooEarly) {
    EXPECT_TRUE(has(
        problems_when(zone_text("nsec"), 1500000000),
        "zone:4: zone jit.example.: the signatures of 46 record sets are not valid yet, the first "
        "before 2025-01-01 00:00 UTC (the clock says 2017-07-14 02:40 UTC)\n"));
}

TEST(SignedZone, SignatureDoesNotVerify) {
    const std::string text = changed(zone_text("nsec"), "mail.jit.example. 300 IN A ",
                                     "mail.jit.example. 300 IN A 192.0.2.99");
    EXPECT_TRUE(has(problems_when(text),
                    "the signature of mail.jit.example. A by key 9195 (algorithm 13) "
                    "does not verify\n"))
        << problems_when(text);
    // Where nothing may be computed, the fields are looked at.
    EXPECT_EQ(problems_when(text, in_2030, 0), "");
    EXPECT_TRUE(has(problems_when(changed(zone_text("nsec"), "jit.example. 300 IN DNSKEY ", "")),
                    "has signatures, but no DNSKEY record at its apex"));
}

TEST(SignedZone, SomethingHasNoSignature) {
    EXPECT_TRUE(has(problems_when(zone_text("nsec") + "ns1.jit.example. 300 IN TXT x\n"),
                    "the NSEC record of ns1.jit.example. denies its records of type TXT"));
    EXPECT_TRUE(
        has(problems_when(changed(zone_text("nsec"), "mail.jit.example. 300 IN RRSIG A ", "")),
            "mail.jit.example. A has no signature (RRSIG), though the zone is signed"));
}

TEST(SignedZone, ItsChainIsBroken) {
    const std::string text = zone_text("nsec");
    EXPECT_TRUE(has(problems_when(changed(text, "mail.jit.example. 60 IN NSEC ", "")),
                    "names mail.jit.example. as the next; that is ns1.jit.example."))
        << problems_when(changed(text, "mail.jit.example. 60 IN NSEC ", ""));
    EXPECT_TRUE(has(problems_when(text + "new.jit.example. 300 IN TXT x\n"),
                    "new.jit.example. exists, but has no NSEC record, and that of "
                    "mail.jit.example. denies it"));
    EXPECT_TRUE(has(problems_when(zone_text("nsec3") + "new.jit.example. 300 IN TXT x\n"),
                    "new.jit.example. exists, but has no NSEC3 record"));
    // Opt-out is for delegations only.
    EXPECT_TRUE(has(problems_when(zone_text("optout") + "new.jit.example. 300 IN TXT x\n"),
                    "new.jit.example. exists, but has no NSEC3 record"));
    EXPECT_EQ(problems_when(zone_text("optout") + "new.jit.example. 300 IN NS ns.other.\n"), "");
}

TEST(SignedZone, TooManyIterations) {
    const std::string text = changed(zone_text("nsec3"), "jit.example. 0 IN NSEC3PARAM ",
                                     "jit.example. 0 IN NSEC3PARAM 1 0 101 ABCD");
    EXPECT_TRUE(has(problems_when(text),
                    "NSEC3 with 101 iterations: resolvers take the zone for unsigned"));
}

TEST(SignedZone, ServicesHaveTheAddressesThatWereSigned) {
    ZoneBuilder builder;
    builder.file("zone", zone_text("nsec"));
    builder.zone_with_file("jit.example", "zone");
    builder.service("www", "ns1.jit.example", "192.0.2.53");
    EXPECT_EQ(builder.errors(), "");
    builder.config.services[0].ipv4 = {base::IpAddress::parse("192.0.2.54").value()};
    EXPECT_TRUE(
        has(builder.errors(), "ns1.jit.example. is a service's name and cannot have A records"))
        << builder.errors();
    builder.config.services[0].names = {ZoneBuilder::name("new.jit.example")};
    EXPECT_TRUE(has(builder.errors(),
                    "new.jit.example. A of a service has no signature: the zone's file is "
                    "signed, and has to have these addresses before it is"))
        << builder.errors();
}

TEST(SignedZone, StaysAsItWas) {
    ZoneBuilder builder;
    for (const char* file : {"nsec", "nsec3", "optout"}) {
        builder.file("zone", zone_text(file));
        builder.config.zones.clear();
        builder.zone_with_file("jit.example", "zone");
        builder.checks.now = in_2030;
        EXPECT_EQ(builder.errors(), "");
        const auto before = builder.built.image;
        const auto zones = zone::Zones::open(before);
        // The daemon serves it whatever the clock says: that may be what is wrong.
        builder.checks.now = expiration + day;
        EXPECT_TRUE(
            has(builder.tolerated(&*zones), "warning: zone jit.example.: the signatures of"));
        builder.file("zone", zone_text(file) + "new 300 TXT x\n");
        EXPECT_TRUE(has(builder.tolerated(&*zones), "it stays as it was"));
        const auto after = zone::Zones::open(builder.built.image);
        ASSERT_TRUE(after);
        ASSERT_NE(after->chain(0), nullptr);
        EXPECT_EQ(after->chain(0)->count, zones->chain(0)->count);
    }
}
