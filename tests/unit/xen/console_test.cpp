#include "console.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace summond::xen {
namespace {

using Ring = std::array<char, 64>;

// A ring into which a guest has written a text, from the octet with this number on.
Ring written(std::string_view text, std::uint32_t from = 0) {
    Ring ring{};
    for (std::size_t i = 0; i < text.size(); ++i)
        ring[(from + i) % ring.size()] = text[i];
    return ring;
}

std::string last_of(std::string_view text, std::uint32_t from = 0) {
    return last_line(written(text, from), static_cast<std::uint32_t>(from + text.size()));
}

TEST(Console, LastLineThatIsNotEmpty) {
    EXPECT_EQ(last_of("booting\nno disk\n"), "no disk");
    EXPECT_EQ(last_of("booting\r\nno disk\r\n\r\n  \n"), "no disk");
    EXPECT_EQ(last_of("one line without an end"), "one line without an end");
    EXPECT_EQ(last_of(""), "");
    EXPECT_EQ(last_of("\n\n"), "");
}

TEST(Console, RingThatWentRound) {
    EXPECT_EQ(last_of("first\nacross the end\n", 50), "across the end");
    EXPECT_EQ(last_of("before\nafter the counter's end\n", 0xfffffff0), "after the counter's end");
    const std::string longer = std::string(100, 'x') + "y";
    EXPECT_EQ(last_of(longer), std::string(63, 'x') + "y");
}

TEST(Console, WhatIsNotPrintable) {
    EXPECT_EQ(last_of("a\x1b[31mred\xff\x01z"), "a?[31mred??z");
    std::array<char, 1024> ring{};
    ring.fill('a');
    EXPECT_EQ(last_line(ring, 5000).size(), 200U);
}

// What the guest says of itself may be anything.
TEST(Console, CounterThatWasNeverThatFar) {
    EXPECT_EQ(last_line(Ring{}, 12345), "");
    EXPECT_EQ(last_line({}, 12345), "");
}

}  // namespace
}  // namespace summond::xen
