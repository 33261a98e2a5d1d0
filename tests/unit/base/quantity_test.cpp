#include "summond/base/quantity.hpp"

#include <gtest/gtest.h>

#include "summond/base/quoted.hpp"

namespace summond::base {
namespace {

using namespace std::chrono_literals;

TEST(Quantity, Durations) {
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("30s"), 30s);
    EXPECT_EQ(parse_duration("10 m"), 10min);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("366d"), 366 * 24h);
    const auto reason = [](const char* text) { return parse_duration(text).error().what; };
    EXPECT_EQ(reason(""), "");
    EXPECT_EQ(reason("s"), "");
    EXPECT_EQ(reason("-5s"), "");
    EXPECT_EQ(reason("99999999999999999999s"), "");
    EXPECT_EQ(reason("9999999999999999d"), "");
    EXPECT_EQ(reason("5"), "without a unit");
    EXPECT_EQ(reason("1.5h"), "with a fraction");
    EXPECT_EQ(reason("5x"), "with the unknown unit \"x\"");
    EXPECT_EQ(reason("5 "), "with the unknown unit \"\"");
}

TEST(Quantity, Sizes) {
    EXPECT_EQ(parse_size_kib("8192KiB"), 8192U);
    EXPECT_EQ(parse_size_kib("16MiB"), 16U * 1024);
    EXPECT_EQ(parse_size_kib("1 GiB"), 1024U * 1024);
    EXPECT_EQ(parse_size_kib("16").error().what, "without a unit");
    EXPECT_EQ(parse_size_kib("16MB").error().what, "with the unknown unit \"MB\"");
}

TEST(Quantity, AreWrittenInTheLargestUnit) {
    EXPECT_EQ(to_text(500ms), "500ms");
    EXPECT_EQ(to_text(90s), "90s");
    EXPECT_EQ(to_text(48h), "2d");
    EXPECT_EQ(to_text(0ms), "0");
    EXPECT_EQ(size_text(1536), "1536KiB");
    EXPECT_EQ(size_text(2048), "2MiB");
}

TEST(Quoted, IsShort) {
    EXPECT_EQ(in_quotes("a"), "\"a\"");
    EXPECT_EQ(in_quotes(std::string(100, 'a')), "\"" + std::string(80, 'a') + "...\"");
    std::string umlauts = "a";  // each two octets: the 80th is the first of one
    for (int i = 0; i < 50; ++i)
        umlauts += "\xc3\xa4";
    EXPECT_EQ(in_quotes(umlauts), "\"" + umlauts.substr(0, 79) + "...\"");
}

}  // namespace
}  // namespace summond::base
