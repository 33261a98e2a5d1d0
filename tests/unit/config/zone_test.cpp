#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

Zone zone_of(const Lines& zone) {
    const Config config = config_of(zone_config(zone));
    return config.zones.size() == 1 ? config.zones[0] : Zone{};
}

TEST(ZoneSettings, Defaults) {
    const Zone zone = zone_of(good_zone);
    EXPECT_EQ(zone.name.to_string(), "jit.example.");
    ASSERT_EQ(zone.ns.size(), 1U);
    EXPECT_EQ(zone.ns[0].to_string(), "ns1.jit.example.");
    ASSERT_EQ(zone.ns_where.size(), 1U);
    EXPECT_EQ(zone.ns_where[0].line, 3);
    EXPECT_EQ(zone.ns_where[0].column, 9);
    EXPECT_EQ(zone.soa.mname.to_string(), "ns1.jit.example.");
    EXPECT_EQ(zone.soa.rname.to_string(), "hostmaster.jit.example.");
    EXPECT_EQ(zone.soa.serial, 1U);
    EXPECT_EQ(zone.soa.refresh, 14400U);
    EXPECT_EQ(zone.soa.retry, 3600U);
    EXPECT_EQ(zone.soa.expire, 1209600U);
    EXPECT_EQ(zone.soa.minimum, 300U);
    EXPECT_EQ(zone.soa.ttl, 3600U);
    EXPECT_TRUE(zone.records.empty());
    EXPECT_FALSE(zone.file);
    EXPECT_EQ(zone.where.to_string(), file + ":2:11");
}

TEST(ZoneSettings, Soa) {
    const Zone zone = zone_of(
        good_zone.with("ns", "[ns1.example.net, ns2.example.net.]")
            .with("soa",
                  "{mname: hidden.example.net, rname: jo.doe@example.org, serial: 4294967295, "
                  "refresh: 2h, retry: 15m, expire: 1d, minimum: 0, ttl: 2147483647}"));
    EXPECT_EQ(zone.ns.size(), 2U);
    EXPECT_EQ(zone.soa.mname.to_string(), "hidden.example.net.");
    EXPECT_EQ(zone.soa.rname.to_string(), "jo\\.doe.example.org.");
    EXPECT_EQ(zone.soa.serial, 4294967295U);
    EXPECT_EQ(zone.soa.refresh, 7200U);
    EXPECT_EQ(zone.soa.retry, 900U);
    EXPECT_EQ(zone.soa.expire, 86400U);
    EXPECT_EQ(zone.soa.minimum, 0U);
    EXPECT_EQ(zone.soa.ttl, 2147483647U);
    EXPECT_EQ(zone_of(good_zone.with("soa", "{rname: admin.example.org}")).soa.rname.to_string(),
              "admin.example.org.");
}

TEST(ZoneSettings, RecordsAndFile) {
    const Zone zone = zone_of(good_zone.with("records", "[www A 192.0.2.1, '@ TXT \"a; b\"']"));
    ASSERT_EQ(zone.records.size(), 2U);
    EXPECT_EQ(zone.records[0].text, "www A 192.0.2.1");
    EXPECT_EQ(zone.records[1].text, "@ TXT \"a; b\"");
    EXPECT_EQ(zone.records[1].where.to_string(), file + ":4:32");

    const Lines from_file = good_zone.with("ns", "");
    EXPECT_EQ(zone_of(from_file.with("file", "../zones/jit.zone")).file,
              "/etc/summond/../zones/jit.zone");
    EXPECT_EQ(zone_of(from_file.with("file", "/srv/jit.zone")).file, "/srv/jit.zone");
    EXPECT_EQ(zone_of(from_file.with("file", "/srv/jit.zone")).file_where.to_string(),
              file + ":3:11");
}

TEST(ZoneSettings, RelativePathsOfARelativeConfig) {
    const Loaded loaded =
        parse(zone_config(good_zone.with("ns", "").with("file", "jit.zone")), "etc/c.yaml");
    ASSERT_TRUE(loaded.config);
    EXPECT_TRUE(loaded.config->zones[0].file->starts_with('/'));
    EXPECT_TRUE(loaded.config->zones[0].file->ends_with("/etc/jit.zone"));
}

TEST(ZoneSettings, AnyZoneName) {
    for (const std::string name : {".", "lan", "2.0.10.in-addr.arpa.", "0/25.2.0.192.in-addr.arpa"})
        EXPECT_EQ(problems_of(zone_config(good_zone.with("name", name))), "") << name;
}

class BadZone : public testing::TestWithParam<BadCase> {};

TEST_P(BadZone, IsRefused) {
    EXPECT_EQ(problems_of(zone_config(good_zone.with(GetParam().key, GetParam().value))),
              GetParam().problem);
}

const std::string server_name = "; it must be a domain name in full, such as ns1.jit.example.";
const std::string ttl_seconds =
    "; it must be seconds, or a duration such as 5m, from 0 to 2147483647 seconds";
const std::string mail = "; it must be a mail address, such as hostmaster@jit.example.";
const std::string record =
    "; it must be one record as a line of a zone file, such as \"www A 192.0.2.1\", in quotes "
    "where it has \": \" or \" #\" in it";

INSTANTIATE_TEST_SUITE_P(
    Zone, BadZone,
    testing::Values(
        BadCase{"name", "", "2:5: a zone has no name; add name: and the zone's name"},
        BadCase{"name", "~",
                "2:5: name is empty; it must be a domain name in full, such as jit.example"},
        BadCase{"name", "jit..example",
                "2:11: name: \"jit..example\" is not a domain name: it has an empty label"},
        BadCase{"name", "jit example",
                "2:11: name is \"jit example\", with a space in it; it must be a domain name in "
                "full, such as jit.example"},
        BadCase{"name", "\"@\"",
                "2:11: name: \"@\" stands for nothing here; write the name in full"},
        BadCase{"name", "bücher.example",
                "2:11: name: \"bücher.example\" is not a domain name: DNS writes it "
                "xn--bcher-kva.example"},
        BadCase{"ns", "[ns1.BÜCHER.example]",
                "3:10: ns: \"ns1.BÜCHER.example\" is not a domain name: DNS writes it "
                "ns1.xn--bcher-kva.example"},
        BadCase{"soa", "{rname: jo@bücher.example}",
                "4:18: soa.rname: \"bücher.example\" is not a domain name: DNS writes it "
                "xn--bcher-kva.example"},
        BadCase{"soa", "{rname: jö@x.example}", "4:18: soa.rname is \"jö@x.example\"" + mail},
        BadCase{"name", std::string(1021, 'a'),
                "2:11: name is \"" + std::string(80, 'a') +
                    "...\", longer than any domain name; it must be a domain name in full, such as "
                    "jit.example"},
        BadCase{"ns", "",
                "2:5: zone jit.example. has no ns; name this server as the parent zone's "
                "delegation does, such as ns: ns1.jit.example."},
        BadCase{"ns", "ns1", "3:9: ns is \"ns1\", a single label" + server_name},
        BadCase{"ns", "ns_1.jit-.example",
                "3:9: ns is \"ns_1.jit-.example\", with a label that begins or ends with -" +
                    server_name},
        BadCase{"ns", "[a.b, A.B.]", "3:15: ns: a.b. is there twice; keep one"},
        BadCase{"ns", "{a: b}",
                "3:9: ns is a mapping; it must be a name or a list of names, such as "
                "ns1.jit.example."},
        BadCase{"soa", "1",
                "4:10: soa is \"1\"; it must be a mapping of SOA fields, such as {refresh: 1h}"},
        BadCase{"soa", "{serial: 4294967296}",
                "4:19: soa.serial is \"4294967296\"; it must be a whole number from 0 to "
                "4294967295"},
        BadCase{"soa", "{serial: -1}",
                "4:19: soa.serial is \"-1\"; it must be a whole number from 0 to 4294967295"},
        BadCase{"soa", "{refresh: 2147483648}",
                "4:20: soa.refresh is \"2147483648\"" + ttl_seconds},
        BadCase{"soa", "{retry: 500ms}",
                "4:18: soa.retry is \"500ms\", no whole number of seconds" + ttl_seconds},
        BadCase{"soa", "{expire: 1w}",
                "4:19: soa.expire is \"1w\", with the unknown unit \"w\"" + ttl_seconds},
        BadCase{"soa", "{minimum: [1]}", "4:20: soa.minimum is a list" + ttl_seconds},
        BadCase{"soa", "{ttl: 1.5h}", "4:16: soa.ttl is \"1.5h\", with a fraction" + ttl_seconds},
        BadCase{"soa", "{mname: ns1}", "4:18: soa.mname is \"ns1\", a single label" + server_name},
        BadCase{"soa", "{rname: hostmaster}", "4:18: soa.rname is \"hostmaster\"" + mail},
        BadCase{"soa", "{rname: \"@example.org\"}", "4:18: soa.rname is \"@example.org\"" + mail},
        BadCase{"soa", "{rname: \"a@\"}", "4:18: soa.rname is \"a@\"" + mail},
        BadCase{"soa", "{refesh: 1}",
                "4:11: unknown key \"soa.refesh\"; did you mean \"soa.refresh\"?"},
        BadCase{"records", "www A 192.0.2.1",
                "4:14: records is \"www A 192.0.2.1\"; it must be a list of records, each a line "
                "of a zone file, such as - www A 192.0.2.1"},
        BadCase{"records", "[a TXT b: c]", "4:15: records is a mapping" + record},
        BadCase{"records", "[\"a A 1.2.3.4\\nb A 1.2.3.4\"]",
                "4:15: records is \"a A 1.2.3.4\\x0ab A 1.2.3.4\", with a line break or another "
                "control character in it" +
                    record},
        BadCase{"records", "[$TTL 5]",
                "4:15: records: directives belong in a zone file; \"$TTL 5\" is no record"},
        BadCase{"file", "x.zone",
                "3:9: ns: the zone's file has its own; leave this out or leave out file"},
        BadCase{"fiel", "x.zone", "4:5: unknown key \"fiel\"; did you mean \"file\"?"}));

TEST(ZoneSettings, SoaBesideAFile) {
    EXPECT_EQ(problems_of(zone_config(
                  good_zone.with("ns", "").with("file", "x.zone").with("soa", "{serial: 2}"))),
              "4:10: soa: the zone's file has its own; leave this out or leave out file");
}

}  // namespace
}  // namespace summond::config
