// The key fleet.
#include <gtest/gtest.h>

#include "files_given.hpp"

namespace summond::config {
namespace {

using namespace std::chrono_literals;

// Its keys begin at line 5, column 3.
std::string with(const std::string& lines) {
    return zone_config(good_zone) + "fleet:\n" + lines;
}
const std::string good = "  name: host1\n  etcd: http://127.0.0.1:2379\n";

TEST(Fleet, Defaults) {
    EXPECT_FALSE(config_of(zone_config(good_zone)).fleet);
    const Config config = config_of(with(good));
    ASSERT_TRUE(config.fleet);
    EXPECT_EQ(config.fleet->name, "host1");
    EXPECT_EQ(config.fleet->etcd, std::vector<std::string>{"http://127.0.0.1:2379"});
    EXPECT_EQ(config.fleet->lease, 5s);
    EXPECT_EQ(config.fleet->key_prefix, "/summond/");
    EXPECT_TRUE(config.fleet->networks.empty());
    EXPECT_EQ(config.fleet->user + config.fleet->password + config.fleet->location, "");
}

TEST(Fleet, Values) {
    const Config config = config_of(
        with("  name: a.b-c_1\n  etcd: [\"https://etcd1:2379\", \"https://[2001:db8::1]:2379\"]\n"
             "  networks: [192.0.2.0/25, \"2001:db8::/32\"]\n  location: -33.87,151.21\n"
             "  lease: 30s\n  key_prefix: x/\n"));
    ASSERT_TRUE(config.fleet);
    EXPECT_EQ(config.fleet->etcd.size(), 2U);
    EXPECT_EQ(config.fleet->networks.size(), 2U);
    EXPECT_EQ(config.fleet->location, "-33.87,151.21");
    EXPECT_EQ(config.fleet->lease, 30s);
    EXPECT_EQ(config.fleet->key_prefix, "x/");
}

TEST(Fleet, Files) {
    const std::string text = with(
        "  name: host1\n  etcd: https://etcd1:2379\n  user: hosts\n  password_file: password\n"
        "  tls: {ca: ca.pem, cert: host1.pem, key: /key.pem}\n");
    const Files files{{"/etc/summond/password", "p q\n"},
                      {"/etc/summond/ca.pem", "-----BEGIN CERTIFICATE-----\n1\n"},
                      {"/etc/summond/host1.pem", "-----BEGIN CERTIFICATE-----\n2\n"},
                      {"/key.pem", "-----BEGIN EC PRIVATE KEY-----\n"}};
    const Loaded loaded = parse(text, file, reading(files));
    ASSERT_TRUE(loaded.config) << loaded.problems[0].to_string();
    const Fleet& fleet = *loaded.config->fleet;
    EXPECT_EQ(fleet.password, "p q");
    EXPECT_EQ(fleet.ca, "-----BEGIN CERTIFICATE-----\n1\n");
    EXPECT_EQ(fleet.certificate, "-----BEGIN CERTIFICATE-----\n2\n");
    EXPECT_EQ(fleet.key, "-----BEGIN EC PRIVATE KEY-----\n");
    EXPECT_EQ(fleet.files.size(), 4U);
    EXPECT_EQ(loaded.without_zones.find("password"), std::string::npos)
        << "others have no business with it";
    const Loaded rest = parse(loaded.without_zones, file, {}, ReadZones::no);
    ASSERT_TRUE(rest.config);
    EXPECT_FALSE(rest.config->fleet);

    const auto problem = [&](const std::string& path, const std::string& content) {
        Files changed = files;
        changed[path] = content;
        const Loaded bad = parse(text, file, reading(changed));
        return bad.problems.empty() ? "" : bad.problems[0].what;
    };
    const std::string password =
        "fleet.password_file: /etc/summond/password must hold a password of 1 to 255 octets, on "
        "one line";
    EXPECT_EQ(problem("/etc/summond/password", " \n"), password);
    EXPECT_EQ(problem("/etc/summond/password", "a\nb"), password);
    EXPECT_EQ(problem("/etc/summond/password", std::string(256, 'x')), password);
    EXPECT_EQ(problem("/etc/summond/ca.pem", "x"),
              "fleet.tls.ca: /etc/summond/ca.pem has no certificate in it (PEM)");
    EXPECT_EQ(problem("/key.pem", "x"), "fleet.tls.key: /key.pem has no private key in it (PEM)");
}

TEST(Fleet, IsRefused) {
    const auto after = [](const std::string& lines) { return problems_of(with(good + lines)); };
    EXPECT_EQ(problems_of(with("  etcd: http://a\n")),
              "5:3: fleet has no name; add name: and a word that no other host has, such as host1");
    EXPECT_EQ(problems_of(with("  name: a\n")),
              "5:3: fleet has no etcd; say where etcd is, as https://HOST:2379");
    EXPECT_EQ(problems_of(with("  name: a b\n  etcd: http://a\n")),
              "5:9: fleet.name is \"a b\"; it must be 1 to 63 letters, digits, dots, - and _, "
              "beginning with a letter or digit");
    for (const char* bad :
         {"etcd1:2379", "ftp://a", "http://", "http://:2379", "http://a/", "http://u@a"})
        EXPECT_EQ(problems_of(with("  name: a\n  etcd: \"" + std::string(bad) + "\"\n")),
                  "6:9: fleet.etcd is \"" + std::string(bad) +
                      "\"; it must be a URL such as https://etcd1.example.net:2379, without user "
                      "and path");
    EXPECT_EQ(problems_of(with("  name: a\n  etcd: [http://a, http://a]\n")),
              "6:20: fleet.etcd: http://a is there twice; keep one");
    EXPECT_EQ(after("  user: u\n"),
              "7:9: fleet.user: its password is missing; say password_file: too");
    EXPECT_EQ(after("  lease: 1s\n"),
              "7:10: fleet.lease is \"1s\"; it must be a duration from 2s to 10m, such as 5s");
    EXPECT_EQ(after("  key_prefix: /summond\n"),
              "7:15: fleet.key_prefix is \"/summond\"; it must be a text that ends with /, such "
              "as /summond/");
    for (const char* bad : {"Oslo", "59.91", "91,0", "0,181", "1,2,3", "1, 2", "nan,0", "1e1,0"})
        EXPECT_EQ(after("  location: \"" + std::string(bad) + "\"\n"),
                  "7:13: fleet.location is \"" + std::string(bad) +
                      "\"; it must be degrees north and east, such as \"59.91,10.75\" or "
                      "\"-33.87,151.21\"");
    EXPECT_EQ(after("  tls: {}\n"),
              "7:8: fleet.tls: no URL of etcd: is https; make it one, or leave this out");
    EXPECT_EQ(
        after("  networks: 192.0.2.1/24\n"),
        "7:13: fleet.networks is \"192.0.2.1/24\", with bits set beyond its length; it must be "
        "a network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address");
    EXPECT_EQ(after("  host: x\n"),
              "7:3: unknown key \"fleet.host\"; known here: name, etcd, tls, user, password_file, "
              "networks, location, lease and key_prefix");
}

}  // namespace
}  // namespace summond::config
