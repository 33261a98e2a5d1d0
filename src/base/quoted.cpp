#include "summond/base/quoted.hpp"

#include <cstddef>

namespace summond::base {
namespace {

constexpr std::size_t max_quoted = 80;

}  // namespace

std::string in_quotes(std::string_view text) {
    if (text.size() <= max_quoted)
        return "\"" + std::string(text) + "\"";
    std::size_t end = max_quoted;
    // Not inside a UTF-8 sequence, of which there may be none: at most 3 octets follow the first.
    while (end > max_quoted - 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return "\"" + std::string(text.substr(0, end)) + "...\"";
}

}  // namespace summond::base
