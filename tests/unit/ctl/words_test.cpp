#include "words.hpp"

#include <gtest/gtest.h>

namespace summond::ctl {
namespace {

using namespace std::chrono_literals;

TEST(Words, Durations) {
    EXPECT_EQ(words_of(-5ms), "0 ms");
    EXPECT_EQ(words_of(850ms), "850 ms");
    EXPECT_EQ(words_of(1250ms), "1.2 s");
    EXPECT_EQ(words_of(12s), "12 s");
    EXPECT_EQ(words_of(303s), "5 min 3 s");
    EXPECT_EQ(words_of(2h), "2 h");
    EXPECT_EQ(words_of(130min), "2 h 10 min");
    EXPECT_EQ(words_of(76h), "3 d 4 h");
}

TEST(Words, Sizes) {
    EXPECT_EQ(size_words(512), "512 KiB");
    EXPECT_EQ(size_words(16384), "16 MiB");
    EXPECT_EQ(size_words(1572864), "1.5 GiB");
}

TEST(Words, Times) {
    EXPECT_EQ(parse_time("2027-01-15T08:00:01.500Z"), WallTime(1'800'000'001'500ms));
    for (const char* bad :
         {"", "2027-01-15", "2027-13-15T08:00:01.500Z", "2027-01-15T0x:00:01.500Z"})
        EXPECT_FALSE(parse_time(bad)) << bad;
}

}  // namespace
}  // namespace summond::ctl
