// LOC (RFC 1876 §3): degrees, metres and the like.
#include <algorithm>

#include "rdata_forms.hpp"

namespace summond::zone {

namespace {

using Done = base::Result<void>;

// Digits and at most so many behind a point, as a whole number of the last of these.
std::optional<std::int64_t> decimal(std::string_view text, std::size_t behind_point) {
    constexpr std::size_t longest = 12;
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
    if (point == 0 || text.size() > longest || fraction.size() > behind_point)
        return std::nullopt;
    const std::string digits = std::string(text.substr(0, point)) + std::string(fraction) +
                               std::string(behind_point - fraction.size(), '0');
    return number_from_text<std::uint64_t>(digits);
}

// "-12.34m" in hundredths.
std::optional<std::int64_t> metres(std::string_view text) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    if (text.ends_with('m') || text.ends_with('M'))
        text.remove_suffix(1);
    const auto value = decimal(text, 2);
    return value && negative ? -*value : value;
}

// d [m [s]] and one of two letters.
Done read_angle(Words& words, std::int64_t max_degrees, std::string_view letters, Bytes& out) {
    constexpr std::int64_t second = 1000;
    constexpr std::int64_t limits[] = {0, 59, 59'999};
    constexpr std::int64_t units[] = {3600 * second, 60 * second, 1};
    const std::string what = letters == "NS" ? "latitude" : "longitude";
    std::int64_t angle = 0;
    for (int part = 0; !words.empty(); ++part) {
        const std::string_view word = words.take();
        if (part > 0 && word.size() == 1 &&
            letters.find(static_cast<char>(::toupper(word[0]))) != letters.npos) {
            constexpr std::int64_t equator = std::int64_t{1} << 31;
            const bool north_or_east = ::toupper(word[0]) == letters[0];
            append32(out, static_cast<std::uint32_t>(equator + (north_or_east ? angle : -angle)));
            return {};
        }
        const std::int64_t limit = part == 0 ? max_degrees : limits[std::min(part, 2)];
        const auto value =
            part > 2 || word.starts_with('-') ? std::nullopt : decimal(word, part == 2 ? 3 : 0);
        if (!value || *value > limit)
            return is_not(word, "a part of a " + what + ": degrees to " +
                                    std::to_string(max_degrees) +
                                    ", minutes and seconds below 60, then " + letters[0] + " or " +
                                    letters[1]);
        angle += *value * units[part];
        if (angle > max_degrees * units[0])
            return base::error("a " + what + " ends at " + std::to_string(max_degrees) +
                               " degrees");
    }
    return base::error(std::string("the ") + letters[0] + " or " + letters[1] + " of the " + what +
                       " is missing");
}

}  // namespace

Done read_loc(Words& words, Bytes& out) {
    constexpr std::int64_t lowest = -10'000'000;  // altitude, cm
    constexpr std::int64_t highest = 4'284'967'295;
    constexpr std::int64_t largest = 9'000'000'000;  // of size and precision
    Bytes angles;
    if (auto r = read_angle(words, 90, "NS", angles); !r)
        return r;
    if (auto r = read_angle(words, 180, "EW", angles); !r)
        return r;
    if (words.empty())
        return base::error("the altitude is missing");
    const std::string_view word = words.take();
    const auto altitude = metres(word);
    if (!altitude || *altitude < lowest || *altitude > highest)
        return is_not(word, "an altitude from -100000.00m to 42849672.95m");
    append8(out, 0);  // version
    // Size and precisions: one digit and how many zeros follow, in centimetres.
    for (const std::int64_t otherwise : {100, 1'000'000, 1'000}) {
        std::int64_t value = otherwise;
        if (!words.empty()) {
            const std::string_view given = words.take();
            const auto size = metres(given);
            if (!size || *size < 0 || *size > largest)
                return is_not(given, "a size or precision from 0.00m to 90000000.00m");
            value = *size;
        }
        unsigned zeros = 0;
        for (; value > 9; value /= 10)
            ++zeros;
        append8(out, static_cast<unsigned>(value) << 4 | zeros);
    }
    append(out, angles);
    append32(out, static_cast<std::uint32_t>(*altitude - lowest));
    return {};
}

}  // namespace summond::zone
