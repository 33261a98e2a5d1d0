// listen, user, log, and keys that nobody knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

std::string listen_texts(const std::string& yaml) {
    std::string text;
    for (const base::Endpoint& endpoint : config_of(yaml + zone_config(good_zone)).listen)
        text += (text.empty() ? "" : " ") + endpoint.to_string();
    return text;
}

TEST(Top, Defaults) {
    const Config config = config_of(zone_config(good_zone));
    ASSERT_EQ(config.listen.size(), 2U);
    EXPECT_EQ(config.listen[0].to_string(), "0.0.0.0:53");
    EXPECT_EQ(config.listen[1].to_string(), "[::]:53");
    EXPECT_FALSE(config.workers);
    EXPECT_EQ(config.user, "");
    EXPECT_EQ(config.log_level, "info");
    EXPECT_TRUE(config.services.empty());
}

TEST(Top, Listen) {
    EXPECT_EQ(listen_texts("listen: 192.0.2.1\n"), "192.0.2.1:53");
    EXPECT_EQ(listen_texts("listen: 192.0.2.1:5353\n"), "192.0.2.1:5353");
    EXPECT_EQ(listen_texts("listen: 2001:db8::1\n"), "[2001:db8::1]:53");
    EXPECT_EQ(listen_texts("listen: \"[2001:db8::1]\"\n"), "[2001:db8::1]:53");
    EXPECT_EQ(listen_texts("listen: [\"127.0.0.1:5390\", \"[::1]:5390\"]\n"),
              "127.0.0.1:5390 [::1]:5390");
}

TEST(Top, Workers) {
    EXPECT_EQ(config_of("workers: 1\n" + zone_config(good_zone)).workers, 1U);
    EXPECT_EQ(config_of("workers: 64\n" + zone_config(good_zone)).workers, 64U);
}

TEST(Top, UserAndLog) {
    const Config config = config_of("user: _dns\nlog: {level: debug}\n" + zone_config(good_zone));
    EXPECT_EQ(config.user, "_dns");
    EXPECT_EQ(config.log_level, "debug");
}

TEST(Top, Server) {
    const Config config =
        config_of("server: {version: summond 1, identity: ns1.example}\n" + zone_config(good_zone));
    EXPECT_EQ(config.server.version, "summond 1");
    EXPECT_EQ(config.server.identity, "ns1.example");
    EXPECT_EQ(config_of(zone_config(good_zone)).server.version, "");
    const std::string longest(100, 'x');
    EXPECT_EQ(
        config_of("server: {identity: " + longest + "}\n" + zone_config(good_zone)).server.identity,
        longest);
    EXPECT_THAT(problems_of("server: {identity: " + longest + "x}\n" + zone_config(good_zone)),
                testing::EndsWith(", 101 octets; it must be a text of at most 100 octets"));
}

TEST(Top, Cookies) {
    const auto cookies = [](const std::string& value) {
        return config_of("cookies: " + value + "\n" + zone_config(good_zone)).cookies;
    };
    EXPECT_TRUE(config_of(zone_config(good_zone)).cookies.enabled);
    EXPECT_TRUE(cookies("on").enabled);
    EXPECT_FALSE(cookies("off").enabled);
    EXPECT_FALSE(cookies("on").secret);
    const Cookies given = cookies("{secret: E5e973e5a6b2a43f48e7dc849e37bf0f}");
    EXPECT_TRUE(given.enabled);
    EXPECT_EQ(*given.secret,
              (std::array<std::uint8_t, 16>{0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48,
                                            0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0x0f}));
}

TEST(Top, SaveDir) {
    EXPECT_EQ(config_of(zone_config(good_zone)).save_dir, "/var/lib/summond");
    EXPECT_EQ(config_of(zone_config(good_zone)).key_dir, "/var/lib/summond/keys");
    EXPECT_EQ(config_of("key_dir: keys\n" + zone_config(good_zone)).key_dir, "/etc/summond/keys");
    EXPECT_EQ(config_of("save_dir: /srv/saved\n" + zone_config(good_zone)).save_dir, "/srv/saved");
}

TEST(Top, State) {
    EXPECT_FALSE(config_of(zone_config(good_zone)).state);
    EXPECT_EQ(config_of("state: /srv/s.db\n" + zone_config(good_zone)).state, "/srv/s.db");
    EXPECT_EQ(config_of("state: none\n" + zone_config(good_zone)).state, "");
    EXPECT_EQ(problems_of("state: [a]\n" + zone_config(good_zone)),
              "1:8: state is a list; it must be the path of a file");
}

TEST(Top, ServicesMayBeEmpty) {
    EXPECT_TRUE(config_of("services:\n" + zone_config(good_zone)).services.empty());
    EXPECT_TRUE(config_of("services: []\n" + zone_config(good_zone)).services.empty());
}

class BadTop : public testing::TestWithParam<BadCase> {};

TEST_P(BadTop, IsRefused) {
    EXPECT_EQ(problems_of(GetParam().key + ": " + GetParam().value + "\n" + zone_config(good_zone)),
              GetParam().problem);
}

const std::string endpoint =
    "; it must be an address with or without a port, such as 192.0.2.1, \"192.0.2.1:53\" or "
    "\"[2001:db8::1]:53\"";
const std::string user = "; it must be the name of a user other than root, such as summond";

INSTANTIATE_TEST_SUITE_P(
    Top, BadTop,
    testing::Values(
        BadCase{"listen", "", "1:1: listen is empty; it must be an address or a list of addresses"},
        BadCase{"listen", "[]",
                "1:9: listen is an empty list; it must be an address or a list of addresses"},
        BadCase{"listen", "[1.2.3.4, ~]", "1:9: listen has an empty item; remove it or fill it in"},
        BadCase{"listen", "localhost", "1:9: listen is \"localhost\"" + endpoint},
        BadCase{"listen", "eth0:53", "1:9: listen is \"eth0:53\"" + endpoint},
        BadCase{"listen", "\"[10.0.0.1]:53\"", "1:9: listen is \"[10.0.0.1]:53\"" + endpoint},
        BadCase{"listen", "\"[::1]53\"", "1:9: listen is \"[::1]53\"" + endpoint},
        BadCase{"listen", "\"[::1\"", "1:9: listen is \"[::1\", without the closing ]" + endpoint},
        BadCase{"listen", "10.0.0.1:0",
                "1:9: listen is \"10.0.0.1:0\", with a port that is not 1 to 65535" + endpoint},
        BadCase{"listen", "10.0.0.1:65536",
                "1:9: listen is \"10.0.0.1:65536\", with a port that is not 1 to 65535" + endpoint},
        BadCase{"listen", "224.0.0.1",
                "1:9: listen is \"224.0.0.1\", a multicast address" + endpoint},
        BadCase{"listen", "fe80::1",
                "1:9: listen is \"fe80::1\", an address that a DNS server cannot be reached at" +
                    endpoint},
        BadCase{"listen", "[10.0.0.1, \"10.0.0.1:53\"]",
                "1:20: listen: 10.0.0.1:53 is there twice; keep one"},
        BadCase{"workers", "0", "1:10: workers is \"0\"; it must be a whole number from 1 to 64"},
        BadCase{"workers", "65", "1:10: workers is \"65\"; it must be a whole number from 1 to 64"},
        BadCase{"workers", "two",
                "1:10: workers is \"two\"; it must be a whole number from 1 to 64"},
        BadCase{"user", "root", "1:7: user is \"root\"" + user},
        BadCase{"user", "1000", "1:7: user is \"1000\", a number" + user},
        BadCase{"user", "a:b", "1:7: user is \"a:b\"" + user},
        BadCase{"log", "debug",
                "1:6: log is \"debug\"; it must be a mapping, such as {level: info}"},
        BadCase{"log", "{level: verbose}",
                "1:14: log.level is \"verbose\"; it must be trace, debug, info, warn or error"},
        BadCase{"log", "{levle: info}",
                "1:7: unknown key \"log.levle\"; did you mean \"log.level\"?"},
        BadCase{"server", "ns1",
                "1:9: server is \"ns1\"; it must be a mapping, such as {identity: ns1}"},
        BadCase{"server", "{identity: [a]}",
                "1:20: server.identity is a list; it must be a text of at most 100 octets"},
        BadCase{"server", "{nsid: a}",
                "1:10: unknown key \"server.nsid\"; known here: version and identity"},
        BadCase{
            "cookies", "maybe",
            "1:10: cookies is \"maybe\"; it must be on, off or {secret: 32 hexadecimal digits}"},
        BadCase{"cookies", "{}",
                "1:10: cookies has no secret; give 32 hexadecimal digits, or say on"},
        BadCase{"cookies", "{secret: e5e973e5a6b2a43f48e7dc849e37bf0}",
                "1:19: cookies.secret: must be 32 hexadecimal digits; `openssl rand -hex 16` makes "
                "some"},
        BadCase{"cookies", "{secret: e5e973e5a6b2a43f48e7dc849e37bf0g}",
                "1:19: cookies.secret: must be 32 hexadecimal digits; `openssl rand -hex 16` makes "
                "some"},
        BadCase{"service", "[]", "1:1: unknown key \"service\"; did you mean \"services\"?"},
        BadCase{"Listen", "1.2.3.4", "1:1: unknown key \"Listen\"; did you mean \"listen\"?"},
        BadCase{"threads", "4",
                "1:1: unknown key \"threads\"; known here: listen, workers, user, log, server, "
                "cookies, rate_limit, tcp, signing, control, limits, save_dir, key_dir, state, "
                "tsig, zones, "
                "defaults, services, webhooks and fleet"},
        BadCase{"services", "{www: {}}",
                "1:11: services is a mapping; it must be a list of services, such as - name: www"},
        BadCase{"services", "[www]",
                "1:12: services is \"www\"; it must be a service, such as - name: www"},
        BadCase{"defaults", "[]",
                "1:11: defaults is an empty list; it must be a mapping of service settings"}));

TEST(Top, ZonesAreNeeded) {
    EXPECT_EQ(problems_of("user: summond\n"),
              "1:1: the configuration has no zones; list at least one, such as - name: "
              "jit.example");
    EXPECT_EQ(problems_of("zones: []\n"),
              "1:8: zones is an empty list; it must be a list of zones, such as - name: "
              "jit.example");
    EXPECT_EQ(problems_of("zones: {jit.example: {}}\n"),
              "1:8: zones is a mapping; it must be a list of zones, such as - name: jit.example");
}

}  // namespace
}  // namespace summond::config
