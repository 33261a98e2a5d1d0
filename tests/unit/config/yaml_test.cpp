// What is wrong with the YAML, before any key means anything.
#include <gtest/gtest.h>

#include "texts.hpp"

namespace summond::config {
namespace {

const std::string quoting =
    "; text that has \": \" or \" #\" in it, or begins with one of [ ] { } * & ! | > % @ `, goes "
    "in quotes";
const std::string empty_file =
    "1:1: the file is empty; it needs zones, such as in config/minimal.yaml";

struct YamlCase {
    std::string yaml;
    std::string problems;

    friend std::ostream& operator<<(std::ostream& out, const YamlCase& bad) {
        return out << bad.yaml;
    }
};
class BadYaml : public testing::TestWithParam<YamlCase> {};

TEST_P(BadYaml, IsRefusedWithItsPosition) {
    EXPECT_EQ(problems_of(GetParam().yaml), GetParam().problems);
    EXPECT_FALSE(parse(GetParam().yaml, file).config);
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, BadYaml,
    testing::Values(
        YamlCase{"", empty_file}, YamlCase{"# nothing\n", empty_file},
        YamlCase{"---\n...\n", empty_file},
        YamlCase{"zones: a: b\n", "1:9: not YAML: illegal map value" + quoting},
        YamlCase{"zones:\n  - name: *.x\n",
                 "2:11: not YAML: the referenced anchor is not defined" + quoting},
        YamlCase{"user: @x\n", "1:7: not YAML: unknown token" + quoting},
        YamlCase{"user: \"summond\nzones: []\n", "1:7: not YAML: the closing quote is missing"},
        YamlCase{"\xef\xbb\xbfuser: &u 'it''s\n", "1:7: not YAML: the closing quote is missing"},
        YamlCase{"a: &a [*a]\n", "1:8: an alias inside the very value that it stands for"},
        YamlCase{zone_config(good_zone) + "---\nuser: x\n",
                 "4:1: a second YAML document; a configuration is one document"},
        YamlCase{zone_config(good_zone) + "? [a, b]\n: c\n", "4:3: a key must be a word"},
        YamlCase{zone_config(good_zone) + "user: !!str x\n",
                 "4:7: the tag \"tag:yaml.org,2002:str\" means nothing here; leave it out"},
        YamlCase{zone_config(good_zone) + "user: a\nuser: b\n",
                 "5:1: the key \"user\" is already there, at line 4; keep one"},
        YamlCase{"user: \xff\n", "1:7: not UTF-8; save the file as UTF-8 text"},
        YamlCase{"user: x\nlog: \x04\n",
                 "2:6: a control character; a configuration is plain UTF-8 text"},
        YamlCase{std::string("z\0", 2),
                 "1:2: a control character; a configuration is plain UTF-8 text"},
        YamlCase{"- a\n",
                 "1:1: the configuration is a list; it must be a mapping with zones: and perhaps "
                 "services:"}));

TEST(Yaml, AliasesAndCommentsAreFine) {
    const Config config = config_of(
        "# comment\n"
        "zones:\n"
        "  - {name: jit.example, ns: &ns [ns1.jit.example, ns2.jit.example]}\n"
        "  - {name: 0.0.10.in-addr.arpa, ns: *ns}  # the same\n");
    ASSERT_EQ(config.zones.size(), 2U);
    EXPECT_EQ(config.zones[1].ns.size(), 2U);
}

TEST(Yaml, WindowsLineEndsAndByteOrderMark) {
    EXPECT_EQ(
        config_of("\xef\xbb\xbfuser: \"x\"\r\nzones:\r\n- name: jit.example\r\n  ns: a.b\r\n").user,
        "x");
}

TEST(Yaml, AProblemUnderAnAliasIsSaidOnce) {
    EXPECT_EQ(problems_of("zones:\n"
                          "  - {name: a.example, ns: &ns nowhere}\n"
                          "  - {name: a.example.net, ns: *ns}\n"),
              "2:27: ns is \"nowhere\", a single label; it must be a domain name in full, such as "
              "ns1.a.example.\n"
              "2:27: ns is \"nowhere\", a single label; it must be a domain name in full, such as "
              "ns1.a.example.net.");
    EXPECT_EQ(problems_of("log: {level: &l x}\nzones:\n  - {name: a.example, ns: [*l, *l]}\n"),
              "1:14: log.level is \"x\"; it must be trace, debug, info, warn or error\n"
              "1:14: ns is \"x\", a single label; it must be a domain name in full, such as "
              "ns1.a.example.");
}

TEST(Yaml, DeepNestingEndsEarly) {
    for (const std::string opening : {"[", "{", "- ", "? ", "{a: ", "[["}) {
        std::string text;
        for (int i = 0; i < 100'000; ++i)
            text += opening;
        const Loaded loaded = parse(text, file);
        EXPECT_FALSE(loaded.config);
        EXPECT_EQ(loaded.problems.size(), 1U) << opening;
    }
    EXPECT_EQ(problems_of(std::string(33, '[') + std::string(33, ']')),
              "1:33: nested too deeply; at most 32 levels are read");
}

TEST(Yaml, AliasBombsEndEarly) {
    std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'k'; ++c) {
        const std::string alias = std::string("*") + static_cast<char>(c - 1);
        text += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 10; ++i)
            text += (i == 0 ? "" : ", ") + alias;
        text += "]\n";
    }
    EXPECT_EQ(problems_of(text),
              "7:8: too many values, aliases counted each time they are used; at most 2000000 are "
              "read");
    // One long scalar, many times.
    text = "a: &a " + std::string(1'000'000, 'x') + "\nb: [";
    for (int i = 0; i < 100'000; ++i)
        text += "*a, ";
    EXPECT_EQ(parse(text + "]\n", file).problems.size(), 1U);
}

TEST(Yaml, VeryLargeFilesAreRefused) {
    EXPECT_EQ(parse(std::string(16 * 1024 * 1024 + 1, '#'), file).problems.at(0).to_string(),
              file + ": larger than 16 MiB; move static records into zone files (file:)");
}

TEST(Yaml, ThousandsOfProblemsAreCutOff) {
    std::string text = zone_config(good_zone);
    for (int i = 0; i < 5000; ++i)
        text += "k" + std::to_string(i) + ": 1\n";
    const auto problems = parse(text, file).problems;
    ASSERT_EQ(problems.size(), 1001U);
    EXPECT_EQ(problems.back().to_string(), file + ": there are more problems; mend these first");
}

TEST(Yaml, ProblemsAreSortedAndPrintable) {
    EXPECT_EQ(problems_of("zones:\n  - {name: \"a\\eb.example\", ns: x}\nuser: root\nlgo: 1\n"),
              "2:12: name is \"a\\x1bb.example\", with a line break or another control character "
              "in it; it must be a domain name in full, such as jit.example\n"
              "2:32: ns is \"x\", a single label; it must be a domain name in full, such as "
              "ns1.jit.example.\n"
              "3:7: user is \"root\"; it must be the name of a user other than root, such as "
              "summond\n"
              "4:1: unknown key \"lgo\"; did you mean \"log\"?");
}

}  // namespace
}  // namespace summond::config
