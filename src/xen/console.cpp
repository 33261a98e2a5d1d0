#include "console.hpp"

#include <algorithm>
#include <string_view>

namespace summond::xen {
namespace {

constexpr std::size_t longest_line = 200;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

}  // namespace

std::string last_line(std::span<const char> ring, std::uint32_t produced) {
    // The size is a power of two, so an octet's place is right when its number has gone round, too.
    std::string text(ring.size(), '\0');
    for (std::size_t i = 0; i < ring.size(); ++i)
        text[i] = ring[(produced + i) % ring.size()];
    const auto end = std::find_if_not(text.rbegin(), text.rend(), is_blank);
    text.erase(static_cast<std::size_t>(text.rend() - end));
    // Zeros: the ring has not gone round yet. npos + 1: all of it is one line.
    text.erase(0, text.find_last_of(std::string_view("\n\r\0", 3)) + 1);
    text.resize(std::min(text.size(), longest_line));
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c > '~'; }, '?');
    return text;
}

}  // namespace summond::xen
