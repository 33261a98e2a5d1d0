// $GENERATE, BIND's directive for records that differ in a number (BIND 9 Administrator Reference
// Manual, "BIND Primary File Extension").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "summond/base/result.hpp"

namespace summond::zone {

// "1-10" or "1-10/2": from first to last, both at most 2147483647, by step.
struct GeneratedRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t step = 1;
};
base::Result<GeneratedRange> read_range(std::string_view text);

// More are taken for a mistake: a network of IPv4 with 8 bits.
inline constexpr std::uint32_t max_generated = 1 << 24;

// The text with each "$" replaced by the number, or as "${offset,width,base}" says: offset added,
// at least `width` digits, base d, o, x or X, or n or N: the digits of the hexadecimal number as
// labels in reverse. "\$" and "$$" are a dollar sign.
base::Result<std::string> generated_text(std::string_view text, std::uint32_t number);

}  // namespace summond::zone
