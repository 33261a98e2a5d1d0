#include "words.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace summond::ctl {
namespace {

using std::chrono::milliseconds;

std::optional<int> digits(std::string_view text) {
    int number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
    if (text.size() != 24)
        return std::nullopt;
    constexpr std::array<std::array<std::size_t, 2>, 7> places{
        {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 3}}};
    std::array<int, 7> parts{};
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto part = digits(text.substr(places[i][0], places[i][1]));
        if (!part)
            return std::nullopt;
        parts[i] = *part;
    }
    using namespace std::chrono;
    const year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                              day(static_cast<unsigned>(parts[2]))};
    if (!date.ok())
        return std::nullopt;
    return sys_days(date) + hours(parts[3]) + minutes(parts[4]) + seconds(parts[5]) +
           milliseconds(parts[6]);
}

std::string words_of(milliseconds duration) {
    const auto ms = duration.count() < 0 ? 0 : duration.count();
    if (ms < 1000)
        return fmt::format("{} ms", ms);
    const auto s = ms / 1000;
    if (s < 10)
        return fmt::format("{}.{} s", s, ms % 1000 / 100);
    if (s < 60)
        return fmt::format("{} s", s);
    const auto two = [](long long large, const char* unit, long long small, const char* below) {
        return small == 0 ? fmt::format("{} {}", large, unit)
                          : fmt::format("{} {} {} {}", large, unit, small, below);
    };
    if (s < 3600)
        return two(s / 60, "min", s % 60, "s");
    if (s < 86400)
        return two(s / 3600, "h", s % 3600 / 60, "min");
    return two(s / 86400, "d", s % 86400 / 3600, "h");
}

milliseconds between(WallTime from, WallTime to) {
    return std::chrono::duration_cast<milliseconds>(to - from);
}

std::string size_words(std::uint64_t kib) {
    if (kib < 1024)
        return fmt::format("{} KiB", kib);
    const double mib = static_cast<double>(kib) / 1024;
    if (mib < 1024)
        return fmt::format("{:.0f} MiB", mib);
    return fmt::format("{:.1f} GiB", mib / 1024);
}

const boost::json::value* member(const boost::json::value& object, std::string_view key) {
    const auto* const members = object.if_object();
    return members == nullptr ? nullptr : members->if_contains(key);
}

std::string text_at(const boost::json::value& object, std::string_view key) {
    const auto* const value = member(object, key);
    if (value == nullptr || !value->is_string())
        return {};
    return std::string(value->as_string());
}

std::optional<std::uint64_t> number_at(const boost::json::value& object, std::string_view key) {
    const auto* const value = member(object, key);
    if (value == nullptr)
        return std::nullopt;
    if (value->is_uint64())
        return value->as_uint64();
    if (value->is_int64() && value->as_int64() >= 0)
        return static_cast<std::uint64_t>(value->as_int64());
    return std::nullopt;
}

std::optional<WallTime> time_at(const boost::json::value& object, std::string_view key) {
    return parse_time(text_at(object, key));
}

bool flag_at(const boost::json::value& object, std::string_view key) {
    const auto* const value = member(object, key);
    return value != nullptr && value->is_bool() && value->as_bool();
}

std::string number_words(const boost::json::value& object, std::string_view key) {
    const auto number = number_at(object, key);
    return number ? std::to_string(*number) : "";
}

const boost::json::array& list_at(const boost::json::value& object, std::string_view key) {
    static const boost::json::array nothing;
    const auto* const value = member(object, key);
    return value != nullptr && value->is_array() ? value->as_array() : nothing;
}

}  // namespace summond::ctl
