// Zones that are signed here. That what comes out is right is for the checks of zones that are
// signed elsewhere to say: of the zone as it is built, and as it is printed and read again.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "builder.hpp"
#include "summond/sign/key_file.hpp"
#include "summond/sign/key_schedule.hpp"

using namespace summond;
using test::ZoneBuilder;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t start = 1893456000;  // 2030-01-01
constexpr std::int64_t one_day = 86400;
constexpr std::int64_t hour = 3600;

constexpr const char* plain =
    "$TTL 300\n"
    "@ SOA ns1 hostmaster 7 3600 600 86400 60\n"
    "@ NS ns1\n"
    "ns1 A 192.0.2.53\n"
    "Mail 600 MX 10 MAIL.Jit.Example.\n"
    "mail A 192.0.2.25\n"
    "*.wild TXT \"any\"\n"
    "a.b.ent TXT \"below empty non-terminals\"\n"
    "alias CNAME mail\n"
    "old DNAME new\n"
    "secure NS ns.secure\n"
    "secure DS 4242 13 2 "
    "0000000000000000000000000000000000000000000000000000000000000000\n"
    "ns.secure A 192.0.2.99\n"
    "insecure NS ns.insecure\n"
    "ns.insecure A 192.0.2.98\n"
    "mail TYPE65280 \\# 4 01020304\n";

class Signing : public ::testing::Test {
  protected:
    Signing() {
        builder.file("zone", plain);
        builder.zone_with_file("jit.example", "zone");
        zone().dnssec.emplace();
        zone().dnssec_where = {"summond.yaml", 5, 5};
        builder.config.key_dir = builder.path("keys");
        builder.checks.now = start;
        builder.checks.keys = zone::KeyUse::keep;
    }
    config::Zone& zone() { return builder.config.zones[0]; }

    // A reload, where there is an image already. Errors, and what becomes of a zone that has some.
    std::string load(std::int64_t now) {
        builder.checks.now = now;
        image_before = builder.built.image;
        const auto before = zone::Zones::open(image_before);
        std::string problems = builder.tolerated(before ? &*before : nullptr);
        std::string kept;
        for (std::size_t at = 0; at < problems.size();) {
            const auto end = problems.find('\n', at) + 1;
            const std::string line = problems.substr(at, end - at);
            if (line.find(" warning: ") == std::string::npos ||
                line.find("loaded") != std::string::npos)
                kept += line;
            at = end;
        }
        return kept;
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> lines;
        const auto zones = zone::Zones::open(builder.built.image);
        if (!zones || !zone::print_zone(*zones, ZoneBuilder::name("jit.example"),
                                        [&](const std::string& line) { lines.push_back(line); }))
            ADD_FAILURE() << "no zone";
        return lines;
    }
    // By owner and type covered.
    std::map<std::string, std::string> signatures() const {
        std::map<std::string, std::string> found;
        for (const std::string& line : lines())
            if (const auto at = line.find(" IN RRSIG "); at != std::string::npos)
                found[line.substr(0, line.find(' ')) +
                      line.substr(at + 9, line.find(' ', at + 10) - at - 9)] = line;
        return found;
    }
    std::size_t count(const std::string& text) const {
        const auto all = lines();
        return static_cast<std::size_t>(std::ranges::count_if(
            all, [&](const auto& line) { return line.find(text) != std::string::npos; }));
    }
    // What the checks of a zone that is signed elsewhere say.
    std::string read_again() {
        std::string text;
        for (const std::string& line : lines())
            text += line + "\n";
        ZoneBuilder other;
        other.file("zone", text);
        other.zone_with_file("jit.example", "zone");
        other.checks.now = builder.checks.now;
        return other.errors();
    }
    std::uint32_t serial() const {
        const std::string soa = lines()[0];
        std::istringstream words(soa);
        std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
        return static_cast<std::uint32_t>(std::stoul(all[6]));
    }
    const zone::image::Header& header() const {
        return *reinterpret_cast<const zone::image::Header*>(builder.built.image.data());
    }
    std::vector<sign::Key> keys() const {
        const auto directory =
            sign::KeyDirectory::open(builder.config.key_dir, sign::KeyDirectory::Missing::error);
        return std::move(directory->read(ZoneBuilder::name("jit.example")).value());
    }

    ZoneBuilder builder;
    std::vector<std::uint8_t> image_before;
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_F(Signing, IsRightByTheChecksOfZonesSignedElsewhere) {
    for (const std::uint8_t algorithm : {sign::ecdsa_p256_sha256, sign::ed25519})
        for (const bool nsec3 : {false, true})
            for (const bool single : {false, true}) {
                fs::remove_all(builder.config.key_dir);
                builder.built = {};
                zone().dnssec->algorithm = algorithm;
                zone().dnssec->nsec3 = nsec3;
                zone().dnssec->single_type_signing = single;
                builder.checks.threads = single ? 1 : 3;
                EXPECT_EQ(load(start), "") << int{algorithm} << nsec3 << single;
                EXPECT_EQ(read_again(), "") << int{algorithm} << nsec3 << single;
                EXPECT_EQ(count(" IN DNSKEY "), single ? 1U : 2U);
                EXPECT_EQ(count(" IN NSEC3PARAM 1 0 0 -"), nsec3 ? 1U : 0U);
                EXPECT_EQ(count(" IN NSEC "), nsec3 ? 0U : 9U);
            }
}

// RFC 9824: each name denies its own types and nothing else, empty non-terminals and cuts too.
TEST_F(Signing, ZonesWithNamesByRuleHaveNoChain) {
    builder.rule("pages", "pages.jit.example");
    ASSERT_EQ(load(start), "");
    EXPECT_EQ(header().compact_count, 1U);
    for (const char* denial :
         {"jit.example. 60 IN NSEC \\000.jit.example. NS SOA RRSIG NSEC DNSKEY",
          "pages.jit.example. 60 IN NSEC \\000.pages.jit.example. RRSIG NSEC",
          "b.ent.jit.example. 60 IN NSEC \\000.b.ent.jit.example. RRSIG NSEC",
          "ent.jit.example. 60 IN NSEC \\000.ent.jit.example. RRSIG NSEC",
          "*.wild.jit.example. 60 IN NSEC \\000.*.wild.jit.example. TXT RRSIG NSEC",
          "insecure.jit.example. 60 IN NSEC \\000.insecure.jit.example. NS RRSIG NSEC",
          "secure.jit.example. 60 IN NSEC \\000.secure.jit.example. NS DS RRSIG NSEC"})
        EXPECT_EQ(count(denial), 1U) << denial;
    EXPECT_EQ(count(" IN NSEC "), 13U);
    ASSERT_EQ(builder.built.online.size(), 1U);
    const sign::OnlineZone& online = builder.built.online[0];
    EXPECT_EQ(online.apex.to_string(), "jit.example.");
    EXPECT_EQ(online.lifetime, 14 * one_day);
    ASSERT_EQ(online.keys.size(), 1U);
    EXPECT_EQ(online.keys[0].tag, keys()[0].tag);
    // Signed again, and served as it was where its file is gone.
    const auto before = signatures();
    ASSERT_EQ(load(start + hour), "");
    EXPECT_EQ(signatures(), before);
    fs::remove(builder.path("zone"));
    EXPECT_TRUE(contains(load(start + 2 * hour), "it stays as it was"));
    EXPECT_EQ(count(" IN NSEC "), 13U);
    EXPECT_EQ(header().compact_count, 1U);
    EXPECT_EQ(builder.built.online.size(), 1U);
}

TEST_F(Signing, NamesByRuleAreNotForNsec3) {
    builder.rule("pages", "pages.jit.example");
    zone().dnssec->nsec3 = true;
    EXPECT_TRUE(contains(load(start), "leave nsec3 out"));
    zone().dnssec->nsec3 = false;
    zone().dnssec->single_type_signing = false;
    ASSERT_EQ(load(start), "");
    ASSERT_EQ(builder.built.online.size(), 1U);
    ASSERT_EQ(builder.built.online[0].keys.size(), 1U) << "the ZSK alone";
    const auto all = keys();
    const auto zsk = std::ranges::find_if(all, [](const sign::Key& key) { return !key.is_sep(); });
    EXPECT_EQ(builder.built.online[0].keys[0].tag, zsk->tag);
}

TEST_F(Signing, GeneratedZones) {
    std::mt19937 random(1);
    const auto pick = [&](unsigned below) { return random() % below; };
    for (int round = 0; round < 40; ++round) {
        std::string text = "$TTL 300\n@ SOA ns1 h 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n";
        for (unsigned i = 0; i < 1 + pick(40); ++i) {
            std::string owner = "n" + std::to_string(pick(30));
            for (auto depth = pick(4); depth > 0; --depth)
                owner = std::string(1, "a*b\\"[pick(3)]) + std::to_string(pick(4)) + "." + owner;
            if (pick(6) == 0)
                owner = "*." + owner;
            text += owner + (pick(4) == 0 && owner[0] != '*' ? " NS ns1\n" : " A 192.0.2.2\n");
        }
        builder.file("zone", text);
        zone().dnssec->nsec3 = round % 2 != 0;
        builder.built = {};
        EXPECT_EQ(load(start), "") << text;
        EXPECT_EQ(read_again(), "") << text;
    }
}

TEST_F(Signing, ServicesAreSignedAsWell) {
    builder.service("www", "www.jit.example", "192.0.2.80");
    EXPECT_EQ(load(start), "");
    EXPECT_TRUE(signatures().contains("www.jit.example. A"));
    EXPECT_EQ(read_again(), "");
}

TEST_F(Signing, KeysAreMadeOnceAndKept) {
    EXPECT_EQ(load(start), "");
    ASSERT_EQ(keys().size(), 1U);
    ASSERT_EQ(builder.built.notes.size(), 2U);
    EXPECT_TRUE(
        contains(builder.built.notes[0],
                 "made a key (CSK " + std::to_string(keys()[0].tag) + ", ecdsap256sha256)"));
    EXPECT_EQ(keys()[0].flags, 257);
    EXPECT_EQ(keys()[0].times.activate, start);
    EXPECT_EQ(keys()[0].times.sync_publish, start + 2 * hour);  // propagation_delay, dnskey_ttl
    const auto before = keys()[0].dnskey;
    EXPECT_EQ(load(start + 10), "");
    EXPECT_EQ(keys()[0].dnskey, before);
    EXPECT_TRUE(builder.built.notes.empty());
}

TEST_F(Signing, CdsRecordsComeWhenResolversHaveTheKey) {
    EXPECT_EQ(load(start), "");
    EXPECT_EQ(count(" IN CDS "), 0U);
    EXPECT_EQ(header().sign_again_at, start + 2 * hour);
    EXPECT_EQ(load(start + 2 * hour), "");
    EXPECT_EQ(count(" IN CDS "), 1U);
    EXPECT_EQ(count(" IN CDNSKEY 257 3 13 "), 1U);
    EXPECT_EQ(read_again(), "");
    zone().dnssec->cds_cdnskey_publish = config::Dnssec::Cds::remove;
    EXPECT_EQ(load(start + 3 * hour), "");
    EXPECT_EQ(count(" IN CDS 0 0 0 00"), 1U);
    EXPECT_EQ(count(" IN CDNSKEY 0 3 0 AA=="), 1U);
    EXPECT_EQ(read_again(), "");
    zone().dnssec->cds_cdnskey_publish = config::Dnssec::Cds::none;
    EXPECT_EQ(load(start + 3 * hour), "");
    EXPECT_EQ(count(" IN CDS "), 0U);
}

TEST_F(Signing, WhatDoesNotChangeKeepsItsSignature) {
    load(start);
    const auto before = signatures();
    const auto old_serial = serial();
    EXPECT_EQ(old_serial, static_cast<std::uint32_t>(start));
    EXPECT_EQ(load(start + 10), "");
    EXPECT_EQ(signatures(), before);
    EXPECT_EQ(serial(), old_serial);

    builder.file("zone", std::string(plain) + "new TXT x\n");
    EXPECT_EQ(load(start + 20), "");
    const auto after = signatures();
    std::size_t changed = 0;
    for (const auto& [what, line] : after)
        changed += before.contains(what) && before.at(what) == line ? 0 : 1;
    EXPECT_EQ(changed, 4U);  // its own TXT and NSEC, the NSEC before, the SOA
    EXPECT_EQ(serial(), old_serial + 20);
    EXPECT_EQ(read_again(), "");
    // What has no signature counts as well.
    builder.file("zone", std::string(plain) + "new TXT x\nns.insecure AAAA 2001:db8::98\n");
    EXPECT_EQ(load(start + 20), "");
    EXPECT_EQ(serial(), old_serial + 21);
}

TEST_F(Signing, SerialsOfTheFile) {
    std::string text = plain;
    text.replace(text.find(" 7 "), 3, " 2030010101 ");  // later than Unix time
    builder.file("zone", text);
    load(start);
    EXPECT_EQ(serial(), 2030010101U);
    load(start + 10);
    EXPECT_EQ(serial(), 2030010101U);
    builder.file("zone", text + "new TXT x\n");
    load(start + 20);
    EXPECT_EQ(serial(), 2030010102U);
    text.replace(text.find(" 2030010101 "), 12, " 2030010105 ");
    builder.file("zone", text + "new TXT x\n");
    load(start + 30);
    EXPECT_EQ(serial(), 2030010105U);
    EXPECT_EQ(read_again(), "");
}

TEST_F(Signing, SignaturesAreMadeAgainBeforeTheyRunOut) {
    zone().dnssec->zsk_lifetime = {};
    load(start);
    load(start + 3 * hour);  // with CDS
    const auto before = signatures();
    const std::int64_t due = header().sign_again_at;
    EXPECT_GE(due, start + 14 * one_day - 12 * hour - 7 * one_day);
    EXPECT_LE(due, start + 14 * one_day - 7 * one_day);
    load(due - 1);
    EXPECT_EQ(signatures(), before);
    load(due);
    const auto after = signatures();
    std::size_t kept = 0;
    for (const auto& [what, line] : before)
        kept += after.at(what) == line ? 1 : 0;
    EXPECT_LE(kept, 3U);  // CDS, CDNSKEY and what came with them may have time
    EXPECT_GT(header().sign_again_at, due + 12 * hour);  // rrsig_jitter
    EXPECT_EQ(serial(), static_cast<std::uint32_t>(due));
    EXPECT_EQ(read_again(), "");
}

TEST_F(Signing, TheFileIsBadAtAReload) {
    builder.service("www", "www.jit.example", "192.0.2.80");
    load(start);
    builder.file("zone", std::string(plain) + "bad A x\n");
    builder.config.services[0].ipv4 = {base::IpAddress::parse("192.0.2.81").value()};
    EXPECT_TRUE(contains(load(start + 20), "it stays as it was"));
    EXPECT_EQ(count(" IN A 192.0.2.81"), 1U) << "services follow the new configuration";
    EXPECT_EQ(read_again(), "");
    // And it is signed again in time, as long as that lasts.
    EXPECT_TRUE(contains(load(start + 8 * one_day), "it stays as it was"));
    EXPECT_EQ(read_again(), "");
    EXPECT_GT(header().sign_again_at, start + 14 * one_day);
}

TEST_F(Signing, AKeyThatOthersMayReadIsNotUsed) {
    load(start);
    const std::string file = builder.config.key_dir + "/" + keys()[0].file_name() + ".private";
    fs::permissions(file, fs::perms(0644));
    const auto before = signatures();
    const std::string said = load(start + 20);
    EXPECT_TRUE(contains(said, "summond.yaml:5:5: ")) << said;
    EXPECT_TRUE(contains(said, "others may read or write it (mode 0644); `chmod 600` it")) << said;
    EXPECT_TRUE(contains(said, "it stays as it was")) << said;
    EXPECT_EQ(signatures(), before);
    EXPECT_EQ(header().unloaded_zone_count, 0U);
    builder.built = {};
    EXPECT_TRUE(contains(load(start + 20), "SERVFAIL"));
    EXPECT_EQ(header().unloaded_zone_count, 1U);
    fs::permissions(file, fs::perms(0600));
    EXPECT_EQ(load(start + 30), "");
}

TEST_F(Signing, KeysAreNotReplacedByNewOnesWhereTheZoneIsSigned) {
    load(start);
    const auto before = signatures();
    fs::remove_all(builder.config.key_dir);
    const std::string said = load(start + 20);
    EXPECT_TRUE(contains(said, "zone jit.example. is signed, but its keys are not in")) << said;
    EXPECT_EQ(signatures(), before);
    EXPECT_GT(header().sign_again_at, start + 6 * one_day);
    EXPECT_TRUE(contains(load(start + 8 * one_day), "it stays as it was"));
    EXPECT_EQ(header().sign_again_at, start + 8 * one_day + 600);  // tried again
}

TEST_F(Signing, AWrongClockIsNoticed) {
    EXPECT_TRUE(contains(load(1000),
                         "the clock says 1970-01-01 00:16 UTC, but this software is younger; "
                         "set the clock"));
    EXPECT_EQ(header().unloaded_zone_count, 1U);
    EXPECT_EQ(header().sign_again_at, 1000 + 60);
    EXPECT_FALSE(fs::exists(builder.config.key_dir) && !fs::is_empty(builder.config.key_dir));
    builder.built = {};
    EXPECT_EQ(load(start), "");
    const std::string said = load(start - 2 * one_day);
    EXPECT_TRUE(contains(said, "the clock says 2029-12-30 00:00 UTC, but key " +
                                   std::to_string(keys()[0].tag) +
                                   " was made on 2030-01-01 00:00 UTC"))
        << said;
    // Set forth and back: signatures of the future are not kept.
    builder.built = {};
    EXPECT_EQ(load(start + 5 * one_day), "");
    EXPECT_EQ(load(start + one_day), "");
    EXPECT_EQ(read_again(), "");
}

TEST_F(Signing, WhatIsSignedAlreadyIsNotSignedAgain) {
    builder.file("zone", std::string(plain) + "mail NSEC ns1 A RRSIG NSEC\n");
    const std::string said = load(start);
    EXPECT_TRUE(contains(said,
                         "zone:17: mail.jit.example. has NSEC records, which signing makes; give "
                         "the zone as it was before it was signed, or leave out `dnssec`"))
        << said;
}

TEST_F(Signing, KeysThatDoNotFit) {
    load(start);
    zone().dnssec->algorithm = sign::ed25519;
    const std::string tag = std::to_string(keys()[0].tag);
    EXPECT_TRUE(contains(load(start), "algorithm is ed25519, but its key " + tag));
    zone().dnssec->algorithm.reset();
    zone().dnssec->single_type_signing = false;
    EXPECT_TRUE(contains(load(start), "single_type_signing is off, but there is no ZSK"));
    zone().dnssec->single_type_signing.reset();
    auto key = keys();
    key[0].times.activate = start + one_day;
    const auto directory =
        sign::KeyDirectory::open(builder.config.key_dir, sign::KeyDirectory::Missing::error);
    ASSERT_TRUE(directory->write(key[0]));
    EXPECT_TRUE(contains(load(start), "none of its keys in"));
}

TEST_F(Signing, ARolloverOfTheZsk) {
    zone().dnssec->single_type_signing = false;
    EXPECT_EQ(load(start), "");
    // zsk_lifetime is 30 days; a new one is published two hours before.
    const std::int64_t due = start + 30 * one_day - 2 * hour;
    EXPECT_EQ(load(due), "");
    EXPECT_EQ(count(" IN DNSKEY 256 "), 2U);
    EXPECT_EQ(read_again(), "");
    EXPECT_EQ(load(due + 2 * hour), "");
    EXPECT_EQ(count(" IN DNSKEY 256 "), 2U);
    std::uint16_t active = 0;
    for (const sign::Key& key : keys())
        if (!key.is_sep() && !key.times.inactive)
            active = key.tag;
    EXPECT_EQ(count(" " + std::to_string(active) + " jit.example. "), signatures().size() - 3)
        << "all but those of DNSKEY, CDS and CDNSKEY are by the new key";
    EXPECT_EQ(read_again(), "");
    const std::int64_t longest_ttl = 600;
    EXPECT_EQ(load(due + 3 * hour + longest_ttl - 1), "");
    EXPECT_EQ(count(" IN DNSKEY 256 "), 2U);
    EXPECT_EQ(load(due + 3 * hour + longest_ttl), "");
    EXPECT_EQ(count(" IN DNSKEY 256 "), 1U);
    EXPECT_EQ(read_again(), "");
}

TEST_F(Signing, ACheckWritesNothing) {
    builder.checks.keys = zone::KeyUse::as_found;
    EXPECT_EQ(builder.errors(), "");
    EXPECT_FALSE(fs::exists(builder.config.key_dir));
    ASSERT_EQ(builder.built.notes.size(), 1U);
    EXPECT_TRUE(contains(builder.built.notes[0], "the daemon makes one when it loads the zone"));
}

TEST_F(Signing, NoMore) {
    load(start);
    zone().dnssec.reset();
    load(start + 20);
    EXPECT_TRUE(std::ranges::any_of(builder.built.problems, [](const config::Problem& problem) {
        return problem.warning &&
               contains(problem.what, "zone jit.example. is not signed any more");
    }));
    EXPECT_EQ(count(" IN RRSIG "), 0U);
    EXPECT_EQ(header().sign_again_at, 0);
}

TEST_F(Signing, NestedZones) {
    config::Zone& child = builder.zone("sub.jit.example");
    child.dnssec.emplace();
    builder.file("zone", std::string(plain) +
                             "sub NS ns.other.\nsub DS 1 13 2 "
                             "00000000000000000000000000000000000000000000000000"
                             "00000000000000\n");
    EXPECT_EQ(load(start), "");
    EXPECT_EQ(read_again(), "");
    const auto before = signatures();
    EXPECT_EQ(load(start + 20), "");
    EXPECT_EQ(signatures(), before) << "the parent's side of the cut is found again";
}

TEST_F(Signing, DsRecordsInAParentOfOursThatNameNoKey) {
    const auto ds_text = [](const std::vector<std::uint8_t>& rdata) {
        std::string text = std::to_string(rdata[0] << 8 | rdata[1]) + " " +
                           std::to_string(rdata[2]) + " " + std::to_string(rdata[3]) + " ";
        for (std::size_t i = 4; i < rdata.size(); ++i) {
            char digits[3];
            std::snprintf(digits, sizeof digits, "%02x", rdata[i]);
            text += digits;
        }
        return text;
    };
    const auto problems_with = [&](const std::string& ds) {
        builder.file("parent",
                     "$TTL 300\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n"
                     "jit NS ns1.jit\nns1.jit A 192.0.2.53\n" +
                         ds);
        const std::string all = builder.tolerated();
        const auto at = all.find("parent:7");
        return at == std::string::npos ? "" : all.substr(at);
    };
    builder.zone_with_file("example", "parent");
    EXPECT_EQ(problems_with(""), "");
    const auto all_keys = keys();
    const sign::Key& key = all_keys[0];
    const auto right = sign::ds_rdata(key.zone.wire(), key.dnskey);
    auto wrong = right;
    wrong.back() ^= 1;
    auto other = right;
    other[1] ^= 1;
    auto newer = right;  // a digest that is not computed here
    newer[3] = 4;
    newer.resize(4 + 48);
    EXPECT_EQ(problems_with("jit DS " + ds_text(right) + "\n"), "");
    EXPECT_EQ(problems_with("jit DS " + ds_text(newer) + "\n"), "");
    EXPECT_EQ(problems_with("jit DS " + ds_text(wrong) + "\njit DS " + ds_text(right) + "\n"), "");
    const std::string tag = std::to_string(key.tag);
    const std::string but = ", but the zone's keys are " + tag +
                            ": resolvers that validate refuse it; `summond keys ds` prints the "
                            "records that are right\n";
    EXPECT_EQ(problems_with("jit DS " + ds_text(wrong) + "\n"),
              "parent:7: warning: the DS records of jit.example. name key " + tag + but);
    EXPECT_EQ(problems_with("jit DS " + ds_text(other) + "\n"),
              "parent:7: warning: the DS records of jit.example. name key " +
                  std::to_string(key.tag ^ 1) + but);
    zone().dnssec.reset();
    EXPECT_EQ(problems_with("jit DS " + ds_text(right) + "\n"),
              "parent:7: warning: jit.example. has a DS record here, but is not signed: resolvers "
              "that validate refuse it; sign it, or take the DS record out\n");
}

// RFC 4035 §2.2: whatever algorithm there is a DNSKEY record of has signed every set; and the
// other way round while a rollover needs it.
TEST_F(Signing, ARolloverToAnotherAlgorithm) {
    zone().dnssec->single_type_signing = false;
    const auto algorithms = [&] {
        std::map<std::string, std::set<std::string>> of_sets;
        std::set<std::string> of_keys;
        for (const std::string& line : lines()) {
            std::istringstream words(line);
            const std::vector<std::string> word{std::istream_iterator<std::string>(words), {}};
            if (word[3] == "DNSKEY")
                of_keys.insert(word[6]);
            if (word[3] == "RRSIG")
                of_sets[word[0] + word[4]].insert(word[5]);
        }
        std::set<std::string> of_all = of_sets.begin()->second;
        for (const auto& [set, found] : of_sets) {
            EXPECT_TRUE(std::ranges::includes(found, of_keys)) << set;
            if (!set.ends_with("DNSKEY") && !set.ends_with("TYPE59") && !set.ends_with("CDS") &&
                !set.ends_with("CDNSKEY"))
                of_all = found;
        }
        std::string text;
        for (const auto& each : {of_keys, of_all}) {
            for (const std::string& algorithm : each)
                text += algorithm + " ";
            text += "/ ";
        }
        return text;
    };
    const auto step = [&](std::int64_t now) {
        EXPECT_EQ(load(now), "");
        EXPECT_EQ(read_again(), "");
        return algorithms();
    };
    EXPECT_EQ(step(start), "13 / 13 / ");
    const std::int64_t roll = start + one_day;
    EXPECT_EQ(step(roll), "13 / 13 / ");
    const auto directory =
        sign::KeyDirectory::open(builder.config.key_dir, sign::KeyDirectory::Missing::error);
    for (const int flags : {257, 256}) {
        auto key = sign::make_key(ZoneBuilder::name("jit.example"),
                                  static_cast<std::uint16_t>(flags), sign::ed25519, keys(), roll);
        key->times.publish.reset();
        key->times.activate = roll;
        ASSERT_TRUE(directory->write(*key));
    }
    EXPECT_EQ(step(roll + 10), "13 / 13 15 / ");
    EXPECT_EQ(step(roll + hour), "13 / 13 15 / ");
    EXPECT_EQ(step(roll + 3 * hour), "13 15 / 13 15 / ") << "all resolvers have the signatures";
    EXPECT_EQ(step(roll + 6 * hour), "13 15 / 13 15 / ");
    for (sign::Key& key : keys())
        if (key.is_sep() && key.secret.algorithm() == sign::ed25519) {
            EXPECT_TRUE(sign::has_cds(key.times, roll + 6 * hour));
            key.times.ds_publish = roll + 6 * hour;
            ASSERT_TRUE(directory->write(key));
        }
    EXPECT_EQ(step(roll + 7 * hour), "13 15 / 13 15 / ");
    const std::int64_t gone = roll + 31 * hour;  // parent_delay
    EXPECT_EQ(step(gone), "15 / 13 15 / ") << "some resolvers have the old DNSKEY records";
    EXPECT_EQ(step(gone + 3 * hour), "15 / 15 / ");
    EXPECT_EQ(step(gone + 60 * one_day), "15 / 15 / ") << "and so do ZSKs that come later";
    // What nobody has asked for is refused.
    auto other = sign::make_key(ZoneBuilder::name("jit.example"), 257, sign::ecdsa_p256_sha256,
                                keys(), gone + 60 * one_day);
    ASSERT_TRUE(directory->write(*other));
    EXPECT_TRUE(
        contains(load(gone + 60 * one_day + 10), " are of two algorithms; take one of them away"));
}
