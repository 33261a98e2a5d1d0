// Digests of zones (ZONEMD). Those of here have been made by ldns-signzone -Z -z.
#include <gtest/gtest.h>

#include "builder.hpp"
#include "summond/dns/folded_name.hpp"

using summond::dns::FoldedName;
using summond::dns::Name;
using summond::dns::Type;
using summond::test::ZoneBuilder;

namespace {

// RFC 8976 appendix A.1.
const std::string simple = R"(
@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400
  86400 NS ns1
  86400 NS ns2
ns1 3600 A 203.0.113.63
ns2 3600 AAAA 2001:db8::63
)";
const std::string simple_sha384 =
    "@ 86400 ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3"
    "a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c\n";
const std::string simple_sha512 =
    "@ 86400 ZONEMD 2018031900 1 2 500d47a50c572d7f9501a01a5fa1fc2b64b1e9a58198784a6d9b0ab95fbba8a1"
    "dc9c7836c9ac4960a5625a7a67e3abe963a4d870cb97e3e67fb0a130463b33f1\n";

// Out of order, in both cases, with what is glue, occluded, a wildcard or there twice.
const std::string rich = R"(
$TTL 300
@ SOA ns hostmaster 7 3600 900 604800 300
@ NS ns
@ NS Ns.Other.
@ MX 10 Mail
@ TXT "a" "B"
ns A 192.0.2.53
ns A 192.0.2.5
Mail A 192.0.2.25
*.wild CNAME Mail
sub NS ns.sub
ns.sub A 192.0.2.99
ns.sub A 192.0.2.99
below.ns.sub TXT "occluded"
b.a.deep AAAA 2001:db8::1
alias DNAME Target.Other.
_25._tcp.mail TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
_http._tcp SRV 1 2 80 Mail
Z 60 A 192.0.2.1
yljkjljk HTTPS 1 . alpn=h2
)";
const std::string rich_digests =
    "@ ZONEMD 7 1 1 62c1c9e68496a915b249457b0a6cd940c28878213c2577f28879a4cde2cdefd3"
    "6b0ffd8bf23c672dac27134557cfec1e\n"
    "@ ZONEMD 7 1 2 401e5025f6f806c9d7bfb8b0c22db6da60fb61b14ef9c82822f7547d91695ebf"
    "41feaff4539fb25233056baedef36078f296f2823b597743ba2e060e60e4551e\n";

class ZoneDigest : public testing::Test {
  protected:
    std::string load(const std::string& apex, const std::string& text) {
        builder.file("zone", text);
        builder.zone_with_file(apex, "zone");
        return builder.errors();
    }
    bool is_served(const std::string& apex) const {
        const auto zones = summond::zone::Zones::open(builder.built.image);
        FoldedName name;
        name.assign(Name::parse(apex)->wire());
        return zones->find(name).node->find(Type::zonemd) != nullptr;
    }
    ZoneBuilder builder;
};

constexpr const char* is_wrong =
    "zone:7: ZONEMD: the digest is not that of the zone, of which something has been changed or "
    "lost; take the zone anew from where it is made, or make the digest anew\n";

}  // namespace

TEST_F(ZoneDigest, IsRight) {
    EXPECT_EQ(load("example", simple + simple_sha384), "");
    EXPECT_TRUE(is_served("example"));
}

TEST_F(ZoneDigest, OfTwoKindsIsRight) {
    EXPECT_EQ(load("example", simple + simple_sha512 + simple_sha384), "");
}

TEST_F(ZoneDigest, OfARichZoneIsRight) {
    EXPECT_EQ(load("jit.example", rich + rich_digests), "");
}

TEST_F(ZoneDigest, IsNotThatOfAZoneThatHasBeenChanged) {
    std::string changed = simple;
    changed.replace(changed.find("203.0.113.63"), 12, "203.0.113.64");
    EXPECT_EQ(load("example", changed + simple_sha384), is_wrong);
}

TEST_F(ZoneDigest, OneThatIsRightSuffices) {
    std::string wrong = simple_sha384;
    wrong[wrong.find("c68090")] = 'd';
    EXPECT_EQ(load("example", simple + wrong + simple_sha512), "");
}

TEST_F(ZoneDigest, SeesATtl) {
    std::string changed = simple;
    changed.replace(changed.find("3600 A "), 4, "3601");
    EXPECT_EQ(load("example", changed + simple_sha512), is_wrong);
}

TEST_F(ZoneDigest, IsOfTheZonesSerial) {
    std::string changed = simple;
    changed.replace(changed.find("2018031900"), 10, "2018031901");
    EXPECT_EQ(
        load("example", changed + simple_sha384).substr(0, 85),
        "zone:7: ZONEMD: the digest is of serial 2018031900, and the zone has 2018031901; take");
}

TEST_F(ZoneDigest, OfTwoOfAKindNeitherIsBelieved) {
    std::string other = simple_sha384;
    other[other.find("c68090")] = 'd';
    EXPECT_EQ(load("example", simple + simple_sha384 + other).substr(0, 60),
              "zone:7: ZONEMD: the digest is one of two of its kind, of whi");
}

TEST_F(ZoneDigest, HasTheLengthOfItsKind) {
    EXPECT_EQ(load("example", simple + "@ 86400 ZONEMD 2018031900 1 1 000102030405060708090a0b\n")
                  .substr(0, 60),
              "zone:7: ZONEMD: the digest has 12 octets, where SHA-384 has ");
}

TEST_F(ZoneDigest, OfAnotherKindIsLeftAlone) {
    EXPECT_EQ(load("example", simple + "@ 86400 ZONEMD 2018031900 1 240 000102030405060708090a0b\n"
                                       "@ 86400 ZONEMD 2018031900 240 1 000102030405060708090a0b\n"
                                       "ns1 3600 ZONEMD 1 1 1 000102030405060708090a0b\n"),
              "");
    EXPECT_TRUE(is_served("example"));
}

TEST_F(ZoneDigest, IsNotServedWithWhatWeAdd) {
    builder.service("www", "www.example", "192.0.2.80");
    EXPECT_EQ(load("example", simple + simple_sha384), "");
    EXPECT_FALSE(is_served("example"));
}
