// Whole configurations: what is refused, where services stand, what the image holds.
#include <gtest/gtest.h>

#include <cstring>

#include "builder.hpp"

using namespace summond;
using test::ZoneBuilder;

namespace {

constexpr const char* own_apex = "@ 300 SOA ns h 1 2 3 4 5\n@ 300 NS ns.other.\n";

std::string problems_of(const std::string& text) {
    ZoneBuilder builder;
    builder.file("zone", text);
    builder.zone_with_file("jit.example", "zone");
    return builder.problems();
}

std::string inline_problems(const std::string& record) {
    ZoneBuilder builder;
    builder.zone("jit.example").records = {{record, {"summond.yaml", 7, 9}}};
    return builder.problems();
}

// The first two octets of the name that an address leads to.
std::string pointed_to(const ZoneBuilder& builder, const char* address) {
    const auto zones = zone::Zones::open(builder.built.image);
    dns::FoldedName name;
    name.assign(dns::Name::reverse(*base::IpAddress::parse(address)).wire());
    const auto found = zones->find(name);
    const auto* rrset = found.exact ? found.node->find(dns::Type::ptr) : nullptr;
    if (rrset == nullptr)
        return {};
    return {rrset->records() + 13, rrset->records() + 15};
}

// Service www, two domains.
void add_replicas(ZoneBuilder& builder, const char* name) {
    const service::Id first = builder.service("www", name, "192.0.2.10").id;
    builder.service("www:1", name, "192.0.2.11").names.clear();
    for (std::uint32_t number = 0; number < 2; ++number)
        builder.config.services[builder.config.services.size() - 2 + number].replicas =
            service::Replicas{first, number, 2, 0, 100, 2};
}

}  // namespace

TEST(Build, NeedsOneSoaAndNameServers) {
    EXPECT_EQ(problems_of("a A 192.0.2.1\n"),
              "zone: zone jit.example. has no SOA record\n"
              "zone: zone jit.example. has no NS record at its apex\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "@ SOA ns h 2 2 3 4 5\n"),
              "zone:3: a second SOA record; a zone has one\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a SOA ns h 2 2 3 4 5\n"),
              "zone:3: an SOA record at a.jit.example., which is not the apex of its zone\n");
    // Twice the same is once.
    EXPECT_EQ(problems_of(std::string(own_apex) + own_apex), "");
    // When a record could not be read it may have been the SOA.
    EXPECT_EQ(problems_of("@ SOA ns h 1 2 3 4\n"),
              "zone:1:18: bad SOA record: minimum is missing; the fields are: mname rname serial "
              "refresh retry expire minimum\n");
}

TEST(Build, RefusesAliasesWithOtherData) {
    EXPECT_EQ(problems_of(std::string(own_apex) + "a CNAME b\na A 192.0.2.1\n"),
              "zone:4: a.jit.example. has a CNAME record and A; a CNAME allows no other data\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a A 192.0.2.1\na CNAME b\n"),
              "zone:4: a.jit.example. has a CNAME record and A; a CNAME allows no other data\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "@ CNAME b\n"),
              "zone:3: jit.example. has a CNAME record and NS; a CNAME allows no other data\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a CNAME b\na CNAME c\n"),
              "zone:4: a.jit.example. has two CNAME records; only one can be followed\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a CNAME b.\na NSEC b CNAME\n"), "");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a DNAME b\na DNAME c\n"),
              "zone:4: a.jit.example. has two DNAME records; only one can be followed\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a DNAME b\nx.y.a A 192.0.2.1\n"),
              "zone:4: x.y.a.jit.example. lies below the DNAME record at a.jit.example. "
              "(RFC 6672 §2.4)\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "a DNAME b\na NS b\n"),
              "zone:3: a.jit.example. has DNAME and NS records; a DNAME cannot stand at a "
              "delegation (RFC 6672 §2.3)\n");
    EXPECT_EQ(problems_of(std::string(own_apex) + "@ DNAME other.example.\n" +
                          "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - "
                          "2t7b4g4vsa5smi47k61mv5bv1a22bojr NS\n"),
              "");
    EXPECT_EQ(problems_of(std::string(own_apex) + "*.a DNAME b\n*.b NS c\n"),
              "zone:3: a DNAME record at a wildcard has no defined meaning\n"
              "zone:4: an NS record at a wildcard has no defined meaning (RFC 4592 §4.2)\n");
}

TEST(Build, RefusesWhatFitsNoAnswer) {
    std::string text = own_apex;
    for (int i = 0; i < 300; ++i)
        text += "a TXT \"" + std::to_string(i) + std::string(220, 'x') + "\"\n";
    EXPECT_EQ(problems_of(text),
              "zone:3: a.jit.example. TXT records are more than fit into one answer\n");
    // A million records of one name take no quadratic time.
    text = own_apex;
    for (int i = 0; i < 20000; ++i)
        text += "a A 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
    EXPECT_EQ(problems_of(text),
              "zone:3: a.jit.example. A records are more than fit into one answer\n");
}

TEST(Build, WarnsOfDifferentTtls) {
    EXPECT_EQ(problems_of(std::string(own_apex) + "a 60 A 192.0.2.1\na 61 A 192.0.2.2\n"),
              "zone:4: warning: the TTL differs from that of the other A records of "
              "a.jit.example. (RFC 2181 §5.2); the first is used\n");
}

TEST(Build, InlineRecordsHaveTheirPlaceInTheConfiguration) {
    EXPECT_EQ(inline_problems("a A 192.0.2.1"), "");
    EXPECT_EQ(inline_problems("a A 192.0.2.1\na TXT x"), "");
    EXPECT_EQ(inline_problems("a A x"),
              "summond.yaml:7:9: bad A record: \"x\" is not an IPv4 address\n");
    EXPECT_EQ(inline_problems("$ORIGIN x."),
              "summond.yaml:7:9: a record is expected here, not a directive\n");
    EXPECT_EQ(inline_problems(" A 192.0.2.1"),
              "summond.yaml:7:9: the first record has no owner name\n");
    EXPECT_EQ(inline_problems("www.other.example. A 192.0.2.1"),
              "summond.yaml:7:9: www.other.example. is not in the zone jit.example.\n");
}

TEST(Build, RefusesServicesThatClash) {
    ZoneBuilder builder;
    builder.zone("jit.example").records = {{"a A 192.0.2.1", {"summond.yaml", 7, 9}},
                                           {"b CNAME x", {"summond.yaml", 8, 9}},
                                           {"sub NS ns.other.", {"summond.yaml", 9, 9}},
                                           {"old DNAME x", {"summond.yaml", 10, 9}}};
    for (const char* at : {"a", "b", "x.sub", "sub", "x.old", "twice", "twice"})
        builder.service(std::string("s-") + at, std::string(at) + ".jit.example", "192.0.2.9");
    builder.service("lost", "www.other.example", "192.0.2.9");
    EXPECT_EQ(builder.problems(),
              "summond.yaml:20:9: name www.other.example. of service lost is in none of the zones\n"
              "summond.yaml:20:9: name twice.jit.example. of service s-twice is already one of "
              "service s-twice\n"
              "summond.yaml:7:9: a.jit.example. is a service's name and cannot have A records of "
              "its own\n"
              "summond.yaml:20:9: b.jit.example. has a CNAME record and A of a service; a CNAME "
              "allows no other data\n"
              "summond.yaml:20:9: service name sub.jit.example. lies at or below sub.jit.example., "
              "which the zone delegates to other servers\n"
              "summond.yaml:20:9: service name x.sub.jit.example. lies at or below "
              "sub.jit.example., which the zone delegates to other servers\n"
              "summond.yaml:20:9: x.old.jit.example. lies below the DNAME record at "
              "old.jit.example. (RFC 6672 §2.4)\n");
}

TEST(Build, RefusesTheSameZoneTwice) {
    ZoneBuilder builder;
    builder.zone("jit.example");
    builder.zone("jit.example");
    EXPECT_EQ(builder.problems(), "summond.yaml:3:5: zone jit.example. is there twice\n");
}

TEST(Build, MakesPointersWhereNothingElseStands) {
    ZoneBuilder builder;
    builder.zone("jit.example");
    builder.zone("2.0.192.in-addr.arpa").records = {
        {"2 PTR mine.example.", {}}, {"3 CNAME 3.x", {}}, {"4 NS ns.other.", {}}, {"5 TXT x", {}}};
    builder.zone("8.b.d.0.1.0.0.2.ip6.arpa");
    for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5",
                                "198.51.100.1", "2001:db8::1"})
        builder.service(address,
                        "n" + std::to_string(builder.config.services.size()) + ".jit.example",
                        address);
    ASSERT_EQ(builder.errors(), "");
    EXPECT_EQ(pointed_to(builder, "192.0.2.1"), "n0");
    EXPECT_EQ(pointed_to(builder, "192.0.2.2"), "mi");
    EXPECT_EQ(pointed_to(builder, "192.0.2.3"), "");
    EXPECT_EQ(pointed_to(builder, "192.0.2.4"), "");
    EXPECT_EQ(pointed_to(builder, "192.0.2.5"), "n4");
    EXPECT_EQ(pointed_to(builder, "198.51.100.1"), "");
    EXPECT_EQ(pointed_to(builder, "2001:db8::1"), "n6");
}

TEST(Build, PointsFromAllReplicasToTheNamesOfTheFirst) {
    ZoneBuilder builder;
    builder.zone("jit.example");
    builder.zone("2.0.192.in-addr.arpa");
    builder.service("other", "other.jit.example", "192.0.2.1");
    add_replicas(builder, "www.jit.example");
    ASSERT_EQ(builder.errors(), "");
    EXPECT_EQ(pointed_to(builder, "192.0.2.10"), "ww");
    EXPECT_EQ(pointed_to(builder, "192.0.2.11"), "ww");
}

TEST(Build, RefusesReplicasInSignedZones) {
    ZoneBuilder builder;
    builder.zone("jit.example");
    add_replicas(builder, "www.jit.example");
    EXPECT_EQ(builder.problems(), "");
    builder.config.zones.front().dnssec.emplace();
    EXPECT_EQ(builder.errors(),
              "summond.yaml:20:9: zone jit.example. is signed, and which of its replicas service "
              "www answers with is known only then; leave replicas out, or put www.jit.example. "
              "into a zone of its own that is not signed\n");
}

TEST(Image, ListsTheServicesInTheirOrder) {
    ZoneBuilder builder;
    builder.zone("jit.example");
    builder.service("a", "a.jit.example", "192.0.2.1").id = 77;
    builder.service("b", "b.jit.example", "2001:db8::1").id = 5;
    ASSERT_EQ(builder.problems(), "");
    const auto zones = zone::Zones::open(builder.built.image);
    ASSERT_TRUE(zones);
    ASSERT_EQ(zones->service_count(), 2U);
    EXPECT_EQ(zones->service_id(0), 77U);
    EXPECT_EQ(zones->service_id(1), 5U);
}

TEST(Image, CanLieAnywhere) {
    ZoneBuilder builder;
    builder.zone("jit.example").records = {{"a A 192.0.2.1", {}}};
    ASSERT_EQ(builder.problems(), "");
    std::vector<std::uint64_t> elsewhere(builder.built.image.size() / 8);
    ASSERT_EQ(elsewhere.size() * 8, builder.built.image.size());
    std::memcpy(elsewhere.data(), builder.built.image.data(), builder.built.image.size());
    std::fill(builder.built.image.begin(), builder.built.image.end(), std::uint8_t{0xff});
    const auto zones = zone::Zones::open(
        {reinterpret_cast<const std::uint8_t*>(elsewhere.data()), elsewhere.size() * 8});
    ASSERT_TRUE(zones);
    dns::FoldedName name;
    name.assign(dns::Name::parse("a.jit.example")->wire());
    EXPECT_TRUE(zones->find(name).exact);
    name.assign(dns::Name::parse("x.y.a.jit.example")->wire());
    EXPECT_FALSE(zones->find(name).exact);
    EXPECT_EQ(zones->find(name).node->name_size, 15);
}

TEST(Image, IsCheckedWhenOpened) {
    ZoneBuilder builder;
    builder.zone("jit.example");
    ASSERT_EQ(builder.problems(), "");
    const auto image = builder.built.image;
    EXPECT_TRUE(zone::Zones::open(image));
    EXPECT_FALSE(zone::Zones::open({}));
    EXPECT_FALSE(zone::Zones::open({image.data(), 20}));
    EXPECT_FALSE(zone::Zones::open({image.data(), image.size() - 8}));
    EXPECT_FALSE(zone::Zones::open({image.data() + 4, image.size() - 4}));
    auto other = image;
    other[0] ^= 1;
    EXPECT_FALSE(zone::Zones::open(other));
}
