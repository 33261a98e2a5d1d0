// Durations and sizes as people write them: a whole number and a unit.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "summond/base/result.hpp"

namespace summond::base {

struct Unit {
    std::string_view name;
    std::uint64_t factor;  // in the smallest of its kind
};
// The largest first.
inline constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
inline constexpr std::array<Unit, 3> size_units{{{"GiB", 1024 * 1024}, {"MiB", 1024}, {"KiB", 1}}};

// Decimal digits only.
std::optional<std::uint64_t> parse_number(std::string_view text);
// "500ms", "5s", "10m", "2h", "1d"; one space before the unit may be there. An error is a reason
// that fits after "KEY is VALUE, " ("without a unit"), and may be empty. So it is below.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "8192KiB", "16MiB", "1 GiB".
Result<std::uint64_t> parse_size_kib(std::string_view text);

// In the largest unit that needs no fraction: "500ms", "5m".
std::string to_text(std::chrono::milliseconds duration);
std::string size_text(std::uint64_t kib);

}  // namespace summond::base
