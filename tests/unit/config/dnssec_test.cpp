#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

Config with_dnssec(const std::string& value) {
    return config_of(zone_config(good_zone.with("dnssec", value)));
}

TEST(DnssecSettings, OnAndOff) {
    EXPECT_FALSE(config_of(zone_config(good_zone)).zones[0].dnssec);
    EXPECT_FALSE(with_dnssec("off").zones[0].dnssec);
    const Zone zone = with_dnssec("on").zones[0];
    ASSERT_TRUE(zone.dnssec);
    EXPECT_EQ(zone.dnssec_where.to_string(), file + ":4:13");
    EXPECT_FALSE(zone.dnssec->algorithm);
    EXPECT_FALSE(zone.dnssec->single_type_signing);
    EXPECT_FALSE(zone.dnssec->nsec3);
    EXPECT_EQ(zone.dnssec->cds_cdnskey_publish, Dnssec::Cds::always);
    EXPECT_EQ(zone.dnssec->rrsig_lifetime, 14 * 24h);
    EXPECT_EQ(zone.dnssec->rrsig_refresh, 7 * 24h);
    EXPECT_EQ(zone.dnssec->rrsig_jitter, 12h);
    EXPECT_EQ(zone.dnssec->dnskey_ttl, 3600U);
    EXPECT_EQ(zone.dnssec->zsk_lifetime, 30 * 24h);
    EXPECT_EQ(zone.dnssec->propagation_delay, 1h);
    EXPECT_EQ(zone.dnssec->parent_delay, 25h);
}

TEST(DnssecSettings, All) {
    const Config config = with_dnssec(
        "{algorithm: ed25519, single_type_signing: off, nsec3: on, cds_cdnskey_publish: none, "
        "rrsig_lifetime: 30d, rrsig_refresh: 10d, rrsig_jitter: 1d, dnskey_ttl: 2h, "
        "zsk_lifetime: 90d, propagation_delay: 5m, parent_delay: 2d}");
    const Dnssec& dnssec = config.zones.at(0).dnssec.value();
    EXPECT_EQ(dnssec.algorithm, 15);
    EXPECT_EQ(dnssec.single_type_signing, false);
    EXPECT_TRUE(dnssec.nsec3);
    EXPECT_EQ(dnssec.cds_cdnskey_publish, Dnssec::Cds::none);
    EXPECT_EQ(dnssec.rrsig_lifetime, 30 * 24h);
    EXPECT_EQ(dnssec.rrsig_refresh, 10 * 24h);
    EXPECT_EQ(dnssec.rrsig_jitter, 24h);
    EXPECT_EQ(dnssec.dnskey_ttl, 7200U);
    EXPECT_EQ(dnssec.zsk_lifetime, 90 * 24h);
    EXPECT_EQ(dnssec.propagation_delay, 5min);
    EXPECT_EQ(dnssec.parent_delay, 48h);
    EXPECT_EQ(with_dnssec("{zsk_lifetime: 0s}").zones.at(0).dnssec->zsk_lifetime, 0s);
}

TEST(DnssecSettings, Problems) {
    const auto problem = [](const std::string& value) {
        return problems_of(zone_config(good_zone.with("dnssec", value)));
    };
    EXPECT_EQ(problem("yes"),
              "4:13: dnssec is \"yes\"; it must be on, off or a mapping, "
              "such as {algorithm: ed25519}");
    EXPECT_EQ(problem("{algorithm: rsasha256}"),
              "4:25: dnssec.algorithm is \"rsasha256\"; it must be ecdsap256sha256 or "
              "ed25519");
    EXPECT_EQ(problem("{nsec3: yes}"), "4:21: dnssec.nsec3 is \"yes\"; it must be off or on");
    EXPECT_EQ(problem("{rrsig_lifetime: 7d}"),
              "4:13: dnssec: rrsig_refresh (7d) and rrsig_jitter (12h) leave nothing of "
              "rrsig_lifetime (7d); together they must be at least 10m less");
    EXPECT_EQ(problem("{zsk_lifetime: 2h}"),
              "4:13: dnssec: zsk_lifetime (2h) is less than twice dnskey_ttl and "
              "propagation_delay (4h), which a new key waits before it signs");
    EXPECT_EQ(problem("{rrsig_jitter: 1}"),
              "4:28: dnssec.rrsig_jitter is \"1\", without a unit; it must be a duration "
              "from 0 to 365d, such as 12h");
}

}  // namespace
}  // namespace summond::config
