#include "summond/base/excerpt.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace summond::base {
namespace {

const ExcerptStyle plain{80, false};

TEST(Excerpt, PutsTheCaretBelow) {
    EXPECT_EQ(excerpt("memory: 16", 9, plain), "    memory: 16\n            ^\n");
    EXPECT_EQ(excerpt("memory: 16", 1, plain), "    memory: 16\n    ^\n");
    EXPECT_EQ(excerpt("memory:", 8, plain), "    memory:\n           ^\n") << "behind the end";
    EXPECT_EQ(excerpt("memory: 16", 0, plain), "    memory: 16\n");
    EXPECT_EQ(excerpt("a", 1, {80, true}), "    a\n    \x1b[1;32m^\x1b[0m\n");
    EXPECT_EQ(excerpt("", 1, plain), "");
    EXPECT_EQ(excerpt("  \r\n", 1, plain), "");
}

TEST(Excerpt, CountsColumnsOfTheTerminal) {
    EXPECT_EQ(excerpt("\ta: b", 5, plain), "            a: b\n               ^\n");
    EXPECT_EQ(excerpt("ab\tc", 4, plain), "    ab      c\n            ^\n");
    EXPECT_EQ(excerpt("ä: b", 5, plain), "    ä: b\n       ^\n");
    EXPECT_EQ(excerpt("日本: b", 9, plain), "    日本: b\n          ^\n") << "each takes two";
    EXPECT_EQ(excerpt("e\xcc\x81: b", 6, plain), "    e\xcc\x81: b\n       ^\n")
        << "an accent takes none";
    EXPECT_EQ(excerpt("日本", 2, plain), "    日本\n    ^\n") << "inside a character";
    EXPECT_EQ(excerpt("a\x1b[1m\xff: b", 9, plain), "    a?[1m?: b\n            ^\n");
}

TEST(Excerpt, CutsLongLinesAroundThePlace) {
    const std::string long_line = std::string(100, 'a') + "X" + std::string(100, 'b');
    const std::string shown = excerpt(long_line, 101, {40, false});
    EXPECT_EQ(shown, "    ..." + std::string(14, 'a') + "X" + std::string(14, 'b') + "...\n    " +
                         std::string(17, ' ') + "^\n");
    EXPECT_EQ(excerpt(long_line, 1, {40, false}), "    " + std::string(29, 'a') + "...\n    ^\n");
    EXPECT_EQ(excerpt(long_line, 201, {40, false}),
              "    ..." + std::string(29, 'b') + "\n    " + std::string(31, ' ') + "^\n");
    for (int column = 1; column <= 202; ++column)
        EXPECT_LE(excerpt(long_line, column, {40, false}).find('\n'), 40U) << column;
}

TEST(Excerpt, ShowsNoSecrets) {
    EXPECT_EQ(excerpt("    secret: abc", 13, plain), "        secret: ...\n                ^\n");
    EXPECT_EQ(excerpt("{secret: abc, x: y}", 15, plain), "    {secret: ...\n                ^\n");
}

TEST(Excerpt, OfAProblem) {
    const std::string path = testing::TempDir() + "excerpt:1.yaml";
    std::ofstream(path) << "zones:\n  - name: x\n";
    EXPECT_EQ(excerpt_of(path + ":2:5: what: 3:4:", plain), "      - name: x\n        ^\n");
    EXPECT_EQ(excerpt_of(path + ":1: warning: what", plain), "    zones:\n");
    EXPECT_EQ(excerpt_of(path + ":9:1: what", plain), "");
    EXPECT_EQ(excerpt_of(path + ": what", plain), "");
    EXPECT_EQ(excerpt_of("/nowhere:1:1: what", plain), "");
    EXPECT_EQ(excerpt_of("what", plain), "");
    std::remove(path.c_str());
}

}  // namespace
}  // namespace summond::base
