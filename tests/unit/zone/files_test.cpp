// How zone files are found and what they begin with; thousands of them.
#include <gtest/gtest.h>

#include "builder.hpp"

using namespace summond;
using test::ZoneBuilder;

namespace {

const std::string short_apex = "@ 300 SOA ns.other. h 1 2 3 4 5\n@ 300 NS ns.other.\n";

bool has(const ZoneBuilder& builder, std::string_view owner) {
    const auto zones = zone::Zones::open(builder.built.image);
    dns::FoldedName name;
    name.assign(ZoneBuilder::name(owner).wire());
    return zones->find(name).exact;
}

}  // namespace

// A release directory behind a symbolic link: ".." is that of where the link leads.
TEST(ZoneFiles, AreFoundAsOpenFindsThem) {
    ZoneBuilder builder;
    builder.file("releases/42/zones/t.zone", short_apex + "$INCLUDE ../common/hosts.inc\n");
    builder.file("releases/42/common/hosts.inc", "right A 192.0.2.1\n$INCLUDE ../zones/more\n");
    builder.file("releases/42/zones/more", "more A 192.0.2.1\n");
    builder.file("common/hosts.inc", "wrong A 192.0.2.1\n");
    std::filesystem::create_directory_symlink("releases/42/zones", builder.path("current"));
    builder.zone_with_file("t.example", "current/t.zone");
    EXPECT_EQ(builder.problems(), "");
    EXPECT_TRUE(has(builder, "right.t.example"));
    EXPECT_TRUE(has(builder, "more.t.example"));
    EXPECT_FALSE(has(builder, "wrong.t.example"));
}

TEST(ZoneFiles, AreRefusedWithAByteOrderMark) {
    for (const std::string mark : {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"}) {
        ZoneBuilder builder;
        builder.file("zone", mark + short_apex);
        builder.zone_with_file("t.example", "zone");
        EXPECT_EQ(builder.problems(), "zone:1: the file begins with a byte order mark (UTF-" +
                                          std::string(mark.size() == 3 ? "8" : "16") +
                                          "); save it without one, as plain ASCII or UTF-8\n");
    }
    ZoneBuilder builder;
    builder.file("zone", short_apex + "a TXT \"\xef\xbb\xbf elsewhere it is text\"\n");
    builder.zone_with_file("t.example", "zone");
    EXPECT_EQ(builder.problems(), "");
}

TEST(ZoneFiles, NamesAreAscii) {
    ZoneBuilder builder;
    builder.file("zone", short_apex +
                             "b\xc3\xbc"
                             "cher A 192.0.2.1\n"
                             "a CNAME b\xc3\xbc"
                             "cher\n"
                             "a MX 10 b\xc3\xbc"
                             "cher.example.\n"
                             "\xfc A 192.0.2.1\n"
                             "$ORIGIN b\xc3\xbc"
                             "cher\n");
    builder.zone_with_file("t.example", "zone");
    EXPECT_EQ(
        builder.problems(),
        "zone:3:1: \"b\xc3\xbc"
        "cher\" is not a domain name: DNS writes it xn--bcher-kva\n"
        "zone:4:9: bad CNAME record: \"b\xc3\xbc"
        "cher\" is not a domain name: DNS writes it xn--bcher-kva\n"
        "zone:5:9: bad MX record: \"b\xc3\xbc"
        "cher.example.\" is not a domain name: DNS writes it xn--bcher-kva.example.\n"
        "zone:6:1: \"\xfc\" is not a domain name: it has characters outside ASCII; DNS writes "
        "words of other scripts as xn--..., and any other octet as \\DDD\n"
        "zone:7:9: \"b\xc3\xbc"
        "cher\" is not a domain name: DNS writes it xn--bcher-kva\n");
    ZoneBuilder escaped;
    escaped.file("zone", short_apex +
                             "b\\195\\188cher A 192.0.2.1\n"
                             "a TXT \"b\xc3\xbc"
                             "cher\" b\xc3\xbc"
                             "cher\n");
    escaped.zone_with_file("t.example", "zone");
    EXPECT_EQ(escaped.problems(), "");
    EXPECT_TRUE(has(escaped, "b\\195\\188cher.t.example"));
}

TEST(ZoneFiles, AreToldApartHoweverManyThereAre) {
    ZoneBuilder builder;
    for (int i = 0; i < 300; ++i) {
        const std::string name = "z" + std::to_string(i);
        builder.file(name, i % 100 == 7 ? "no zone\n" : short_apex);
        builder.zone_with_file(name + ".example", name);
    }
    EXPECT_EQ(builder.problems(),
              "z7:1:4: \"zone\" is not a record type\n"
              "z107:1:4: \"zone\" is not a record type\n"
              "z207:1:4: \"zone\" is not a record type\n");
}

// Each of them can be wrong in every line, and what is wrong with the last one is to be seen, too.
TEST(ZoneFiles, DoNotHideEachOthersProblems) {
    ZoneBuilder builder;
    std::string garbage;
    for (int i = 0; i < 200; ++i)
        garbage += "not a zone file\n";
    for (int i = 0; i < 3; ++i) {
        const std::string name = "z" + std::to_string(i);
        builder.file(name, i == 2 ? short_apex + "a A x\n" : garbage);
        builder.zone_with_file(name + ".example", name);
    }
    const std::string problems = builder.problems();
    EXPECT_EQ(std::ranges::count(problems, '\n'), 101 + 101 + 1);
    EXPECT_NE(problems.find("z2:3:5: bad A record"), std::string::npos);
}
