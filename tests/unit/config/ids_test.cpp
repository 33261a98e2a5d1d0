// Services with an instance for each id.
#include <gtest/gtest.h>

#include <map>

#include "texts.hpp"

namespace summond::config {
namespace {

const Lines good_pattern({{"name", "pages"},
                          {"names", "\"{id}.pages.jit.example\""},
                          {"ids", "any"},
                          {"addresses", "\"2001:db8:1::/64\""},
                          {"kernel", "page.elf"}});

TEST(PatternConfig, ReadsARule) {
    const service::Template service = service_of(
        good_pattern.with("names", "[\"{id}.pages.jit.example\", \"Page-{id}.jit.example\"]")
            .with("kernel", "pages/{id}.elf")
            .with("cmdline", "\"--ipv6={ipv6}/64 page={id} name={name} mac={mac} {{}}\""));
    ASSERT_TRUE(service.pattern);
    ASSERT_EQ(service.pattern->names.size(), 2U);
    EXPECT_EQ(service.pattern->names[0].to_string(), "{id}.pages.jit.example.");
    EXPECT_EQ(service.pattern->names[1].to_string(), "page-{id}.jit.example.");
    EXPECT_EQ(service.pattern->grammar.longest, 58U) << "what is left of a label";
    EXPECT_FALSE(service.pattern->addresses->reversible());
    EXPECT_EQ(service.kernel, "/etc/summond/pages/{id}.elf");
    EXPECT_EQ(service.cmdline, "--ipv6={ipv6}/64 page={id} name={name} mac={mac} {{}}");
    EXPECT_TRUE(service.names.empty());
    EXPECT_TRUE(service.ipv6.empty());
    EXPECT_FALSE(service_of(good_service).pattern);
}

TEST(PatternConfig, WhichIds) {
    const auto pattern = [](const std::string& ids) {
        return *service_of(good_pattern.with("ids", ids)).pattern;
    };
    const auto some = pattern("{any: true, characters: a-c0-9-, length: 2-12}");
    EXPECT_EQ(some.grammar.characters, "-0123456789abc");
    EXPECT_EQ(some.grammar.shortest, 2U);
    EXPECT_EQ(some.grammar.longest, 12U);
    EXPECT_TRUE(some.addresses->reversible());
    EXPECT_EQ(pattern("{any: true, length: 4}").grammar.shortest, 4U);
    const auto tagged = pattern("{signed: {secret: 000102030405060708090a0b0c0d0e0f}}");
    EXPECT_EQ(tagged.who, service::Who::tagged);
    EXPECT_EQ(tagged.secret[15], 15);
    EXPECT_EQ(tagged.grammar.longest, 63U - service::tag_size);
}

TEST(PatternConfig, TheSameTextHasTheSameAddresses) {
    const auto address = [](const Lines& service) {
        return service_of(service).pattern->addresses->of("x7f3");
    };
    EXPECT_EQ(address(good_pattern), address(good_pattern));
    EXPECT_NE(address(good_pattern), address(good_pattern.with("name", "others")));
    const auto secret = [&](const std::string& digits) {
        return address(good_pattern.with("ids", "{signed: {secret: " + digits + "}}"));
    };
    EXPECT_NE(secret("000102030405060708090a0b0c0d0e0f"),
              secret("100102030405060708090a0b0c0d0e0f"));
}

Loaded with_list(const std::string& list) {
    return parse(service_config({good_pattern.with("ids", "{list: pages.txt}")}), file,
                 [&](const std::string& path) -> base::Result<std::string> {
                     EXPECT_EQ(path, "/etc/summond/pages.txt");
                     return list;
                 });
}

TEST(PatternConfig, AListIsPartOfTheConfiguration) {
    const Loaded loaded = with_list("one\ntwo\n");
    ASSERT_TRUE(loaded.config);
    EXPECT_TRUE(loaded.config->services[0].pattern->has("two"));
    EXPECT_FALSE(loaded.config->services[0].pattern->has("three"));
    const Loaded bad = with_list("one\nNo\n");
    EXPECT_FALSE(bad.config);
    ASSERT_EQ(bad.problems.size(), 1U);
    EXPECT_EQ(bad.problems[0].to_string().substr(0, 30), "/etc/summond/pages.txt:2:1: no");
}

TEST(PatternConfig, FilesAreIds) {
    const auto with_files = [](const std::string& ids, const std::string& there) {
        return parse(service_config({good_pattern.with("ids", ids)}), file,
                     [&](const std::string& path) -> base::Result<std::string> {
                         EXPECT_EQ(path, "/srv/{id}.xen");
                         return there;
                     });
    };
    const Loaded loaded = with_files("{file: \"/srv/{id}.xen\"}", "one\nNo\n.two\nthree\n\n");
    ASSERT_TRUE(loaded.config);
    const service::Pattern& pattern = *loaded.config->services[0].pattern;
    EXPECT_EQ(pattern.files, service::Pattern::Files::of("/srv/{id}.xen"));
    EXPECT_EQ(pattern.list->size(), 2U) << "other files are no ids";
    EXPECT_TRUE(pattern.has("one"));
    EXPECT_TRUE(pattern.has("three"));
    EXPECT_FALSE(pattern.has("two"));
    EXPECT_TRUE(with_files("{file: \"/srv/{id}.xen\"}", "").config) << "none yet";
}

class BadPattern : public testing::TestWithParam<BadCase> {};

TEST_P(BadPattern, IsRefusedWhereItIs) {
    EXPECT_EQ(problems_of(service_config({good_pattern.with(GetParam().key, GetParam().value)})),
              GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPattern,
    testing::Values(
        BadCase{"ids", "",
                "6:12: names: {id} stands for ids, and service pages does not say which there are; "
                "add ids: any, or such as ids: {list: pages.txt}"},
        BadCase{"ids", "{file: \"/srv/{id}/kernel\"}",
                "7:17: ids.file is \"/srv/{id}/kernel\"; it must be a path with {id} once, in the "
                "name of the file, such as /srv/pages/{id}.xen"},
        BadCase{"ids", "{file: /srv/pages}",
                "7:17: ids.file is \"/srv/pages\"; it must be a path with {id} once, in the name "
                "of the file, such as /srv/pages/{id}.xen"},
        BadCase{"ids", "{file: \"/srv/{id}.xen\"}",
                "7:17: ids.file: /srv/{id}.xen cannot be read: no file can be read here"},
        BadCase{"names", "www.jit.example",
                "6:12: names: every name of a service with ids has {id} in it; give "
                "\"www.jit.example\" to a service of its own"},
        BadCase{"names", "\"www.{id}.jit.example\"",
                "6:12: names is \"www.{id}.jit.example\"; it must be a name with {id} once, in its "
                "first label, such as \"{id}.pages.jit.example\""},
        BadCase{"names", "\"{id}.pages.example.com\"",
                "6:12: names: {id}.pages.example.com. is in none of the zones; write the name in "
                "full, or add its zone"},
        BadCase{"names", "[\"{id}.jit.example\", \"{ID}.jit.example\"]",
                "6:33: names: every name of a service with ids has {id} in it; give "
                "\"{ID}.jit.example\" to a service of its own"},
        BadCase{"names", "[\"{id}.jit.example\", \"{id}.JIT.example\"]",
                "6:33: names: {id}.jit.example. is already a name of service pages, line 5"},
        BadCase{
            "ids", "all",
            "7:10: ids is \"all\"; it must be any, or a mapping that says who is there, such as "
            "{file: \"/srv/pages/{id}.xen\"}, {list: pages.txt}, {signed: {secret: ...}} or {any: "
            "true, characters: a-z0-9, "
            "length: 1-12}"},
        BadCase{"ids", "{length: 3}",
                "7:10: ids: one of any, file, list and signed says which ids there are"},
        BadCase{
            "ids", "{any: true, characters: A-Z}",
            "7:34: ids.characters is \"A-Z\", names are the same in both cases of letters, and an "
            "id stands in paths and command lines; it must be characters and ranges of them, of "
            "lower-case letters, digits, - and _, such as a-z0-9-"},
        BadCase{
            "ids", "{any: true, length: 1-64}",
            "7:30: ids.length is \"1-64\"; it must be a length or the shortest and the longest, "
            "such as 1-12"},
        BadCase{
            "ids", "{signed: {secret: abc}}",
            "7:28: ids.signed.secret: must be 32 hexadecimal digits; `openssl rand -hex 16` makes "
            "some"},
        BadCase{"ids", "{signed: {secret: 000102030405060708090a0b0c0d0e0f}, length: 60}",
                "7:71: ids.length: in {id}.pages.jit.example. there is room for ids of at most 50 "
                "characters beside their tag"},
        BadCase{
            "addresses", "10.0.0.10",
            "8:16: addresses is \"10.0.0.10\", an IPv4 address, and each id has one of its own; "
            "it must be the IPv6 network that the ids' addresses are of, from a /64 to a /96, "
            "such as 2001:db8:1::/64"},
        BadCase{"addresses", "10.0.0.64/26",
                "8:16: addresses: an IPv4 pool alone leaves ids without an address when all are "
                "leased; give an IPv6 network, too, such as 2001:db8:1::/64"},
        BadCase{
            "addresses", "[\"2001:db8:1::/64\", 10.0.0.0/21]",
            "8:36: addresses is \"10.0.0.0/21\", with more addresses than are leased at a time; "
            "it must be an IPv4 network to lease addresses of, from a /22 to a /32, such as "
            "192.0.2.64/26"},
        BadCase{"addresses", "[\"2001:db8:1::/64\", 10.0.0.1/26]",
                "8:36: addresses is \"10.0.0.1/26\", with bits set beyond its length; it must be "
                "an IPv4 network to lease addresses of, from a /22 to a /32, such as "
                "192.0.2.64/26"},
        BadCase{"addresses", "[\"2001:db8:1::/64\", 127.0.0.0/24]",
                "8:36: addresses is \"127.0.0.0/24\", a network of addresses that no guest can "
                "have; it must be an IPv4 network to lease addresses of, from a /22 to a /32, such "
                "as 192.0.2.64/26"},
        BadCase{"addresses", "[\"2001:db8:1::/64\", 10.0.0.0/24, 10.0.1.0/24]",
                "8:49: addresses: a second IPv4 network beside 10.0.0.0/24; give one, or each its "
                "own service"},
        BadCase{
            "addresses", "[\"2001:db8:1::/64\", \"2001:db8:2::/64\"]",
            "8:36: addresses: a second IPv6 network beside 2001:db8:1::/64; each id has one IPv6 "
            "address"},
        BadCase{
            "addresses", "\"2001:db8:1::/65\"",
            "8:16: addresses is \"2001:db8:1::/65\", with a length that is not 64, 68 and so on, "
            "up to 96; it must be the IPv6 network that the ids' addresses are of, from a /64 to "
            "a /96, such as 2001:db8:1::/64"},
        BadCase{
            "addresses", "\"2001:db8:1::/96\"",
            "8:16: addresses: 2001:db8:1::/96 has fewer addresses than there are ids of up to 63 "
            "characters of \"-0123456789abcdefghijklmnopqrstuvwxyz\"; give a /64, or set "
            "ids.length"},
        BadCase{
            "cmdline", "\"{ipv4}\"",
            "10:14: cmdline of service pages: {ipv4} needs an IPv4 address, and there is none in "
            "addresses"},
        BadCase{
            "mac", "\"00:16:3e:00:00:01\"",
            "10:10: mac: service pages has many domains, each with a MAC of its own; leave it out"},
        BadCase{"standby", "1",
                "10:14: standby: which of its domains service pages will need nobody knows "
                "beforehand; say {shells: 4}, which become any of them, or set standby: 0"},
        BadCase{
            "disks", "[{path: page.img, device: xvda, mode: w}]",
            "10:13: disks: all domains of service pages would write to /etc/summond/page.img; put "
            "{id} into its path, or say mode: r"}));

TEST(PatternConfig, APoolOfAddressesToLease) {
    const auto pool_of = [](const std::string& network) {
        return service_of(good_pattern.with("addresses", "[\"2001:db8:1::/64\", " + network + "]")
                              .with("cmdline", "\"{ipv4}\""))
            .pattern->pool;
    };
    const auto pool = pool_of("10.0.0.64/26");
    ASSERT_TRUE(pool);
    EXPECT_EQ(pool->size(), 62U) << "neither the network's own nor its broadcast address";
    EXPECT_EQ(pool->at(0).to_string(), "10.0.0.65");
    EXPECT_EQ(pool->at(61).to_string(), "10.0.0.126");
    EXPECT_EQ(pool_of("10.0.0.7/32")->size(), 1U);
    EXPECT_FALSE(service_of(good_pattern).pattern->pool);
}

TEST(PatternConfig, APoolIsNobodyElses) {
    const Lines leasing = good_pattern.with("addresses", "[\"2001:db8:1::/64\", 10.0.0.64/26]");
    const Lines other = good_pattern.with("name", "others").with("names", "\"{id}.o.jit.example\"");
    EXPECT_EQ(problems_of(service_config({leasing, good_service.with("addresses", "10.0.0.70")})),
              "12:16: addresses: 10.0.0.70 is among those that service pages, line 5 leases, of "
              "10.0.0.64/26; take another, or a smaller network there");
    EXPECT_EQ(problems_of(service_config({leasing, good_service.with("addresses", "10.0.0.127")})),
              "");
    EXPECT_EQ(problems_of(service_config(
                  {leasing, other.with("addresses", "[\"2001:db8:2::/64\", 10.0.0.0/24]")})),
              "13:36: addresses: 10.0.0.0/24 overlaps with 10.0.0.64/26 of service pages, line 5");
    EXPECT_EQ(problems_of(service_config(
                  {leasing, other.with("addresses", "[\"2001:db8:2::/64\", 10.0.4.0/22]")})),
              "13:36: addresses: with 10.0.4.0/22 there are 1084 IPv4 addresses in pools, and at "
              "most 1024 are leased; give smaller networks");
    EXPECT_EQ(problems_of(service_config({leasing.with("wake", "packet")})),
              "8:36: addresses: an address of 10.0.0.64/26 is leased when somebody asks for the "
              "name, and `wake` of service pages has no dns; add it, or leave the network out");
}

TEST(PatternConfig, WhatOthersHave) {
    EXPECT_EQ(
        problems_of(
            service_config({good_pattern, good_service.with("names", "www.pages.jit.example")})),
        "11:12: warning: names: www.pages.jit.example. is this service's, and not that of id www "
        "of service pages, line 5");
    EXPECT_EQ(
        problems_of(
            service_config({good_pattern, good_service.with("addresses", "\"2001:db8:1::1:0\"")})),
        "12:16: addresses: 2001:db8:1::1:0 lies among those of the ids of service pages, line 5; "
        "take one of the first 65536 of 2001:db8:1::/64, which no id has");
    EXPECT_EQ(problems_of(service_config(
                  {good_pattern, good_service.with("addresses", "\"2001:db8:1::ffff\"")})),
              "");
    EXPECT_EQ(
        problems_of(service_config(
            {good_pattern,
             good_pattern.with("name", "others").with("names", "\"{id}.o.jit.example\"")})),
        "13:16: addresses: 2001:db8:1::/64 overlaps with 2001:db8:1::/64 of service pages, line "
        "5");
    EXPECT_EQ(problems_of(service_config({good_service.with("cmdline", "\"page={id}\"")})),
              "9:14: cmdline of service www: {id} is of a service with ids, which has {id} in its "
              "names");
}

}  // namespace
}  // namespace summond::config
