#include "summond/base/quantity.hpp"

#include <algorithm>
#include <charconv>
#include <span>

#include "summond/base/quoted.hpp"

namespace summond::base {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t max_quantity = 1'000'000'000'000'000;  // any unit's ranges end long before

// "NUMBER UNIT" in the smallest of the units.
Result<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
    const auto unit_at = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_number(text.substr(0, unit_at));
    std::string_view unit = text.substr(unit_at);
    if (!number)
        return error("");
    if (unit.empty())
        return error("without a unit");
    if (unit.front() == ' ')
        unit.remove_prefix(1);
    for (const Unit& known : units) {
        if (unit != known.name)
            continue;
        if (*number > max_quantity / known.factor)
            return error("");
        return *number * known.factor;
    }
    if (unit.starts_with('.'))
        return error("with a fraction");
    return error("with the unknown unit " + in_quotes(unit));
}

std::string quantity_text(std::uint64_t amount, std::span<const Unit> units) {
    for (const Unit& unit : units)
        if (amount % unit.factor == 0 && amount != 0)
            return std::to_string(amount / unit.factor).append(unit.name);
    return "0";
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

Result<milliseconds> parse_duration(std::string_view text) {
    return parse_quantity(text, duration_units).map([](std::uint64_t ms) {
        return milliseconds(static_cast<std::int64_t>(ms));
    });
}

Result<std::uint64_t> parse_size_kib(std::string_view text) {
    return parse_quantity(text, size_units);
}

std::string to_text(milliseconds duration) {
    return quantity_text(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string size_text(std::uint64_t kib) {
    return quantity_text(kib, size_units);
}

}  // namespace summond::base
