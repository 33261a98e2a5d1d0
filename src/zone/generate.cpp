#include "generate.hpp"

#include <charconv>
#include <cstdio>

namespace summond::zone {

namespace {

constexpr std::uint32_t most = 0x7fffffff;

// Takes a number from the beginning of text. False: there is none in range.
template <typename Number>
bool take(std::string_view& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc())
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text[0] != c)
        return false;
    text.remove_prefix(1);
    return true;
}

struct Modifier {
    std::int64_t offset = 0;
    unsigned width = 0;
    char base = 'd';
};

// What stands between the braces.
bool read_modifier(std::string_view text, Modifier& modifier) {
    constexpr unsigned widest = 128;
    if (!take(text, modifier.offset) || modifier.offset > most ||
        modifier.offset < -std::int64_t{most})
        return false;
    if (take(text, ',') && (!take(text, modifier.width) || modifier.width > widest))
        return false;
    if (take(text, ',')) {
        if (text.empty() || std::string_view("doxXnN").find(text[0]) == std::string_view::npos)
            return false;
        modifier.base = text[0];
        text.remove_prefix(1);
    }
    return text.empty();
}

std::string in_base(std::uint64_t number, const Modifier& modifier) {
    const char* const format = modifier.base == 'd'                           ? "%0*llu"
                               : modifier.base == 'o'                         ? "%0*llo"
                               : modifier.base == 'X' || modifier.base == 'N' ? "%0*llX"
                                                                              : "%0*llx";
    const bool nibbles = modifier.base == 'n' || modifier.base == 'N';
    // Of nibbles the width counts the dots as well.
    const unsigned width = nibbles ? (modifier.width + 1) / 2 : modifier.width;
    char digits[160];
    const int size = std::snprintf(digits, sizeof digits, format, static_cast<int>(width),
                                   static_cast<unsigned long long>(number));
    std::string text(digits, static_cast<std::size_t>(size));
    if (!nibbles)
        return text;
    std::string labels;
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
        labels += labels.empty() ? "" : ".";
        labels += *digit;
    }
    return labels;
}

}  // namespace

base::Result<GeneratedRange> read_range(std::string_view text) {
    GeneratedRange range;
    const bool good = take(text, range.first) && take(text, '-') && take(text, range.last) &&
                      (!take(text, '/') || take(text, range.step)) && text.empty();
    if (!good || range.first > range.last || range.last > most || range.step == 0)
        return base::error("$GENERATE takes a range such as 1-10 or 0-254/2");
    if ((range.last - range.first) / range.step >= max_generated)
        return base::error("$GENERATE makes at most " + std::to_string(max_generated) + " records");
    return range;
}

base::Result<std::string> generated_text(std::string_view text, std::uint32_t number) {
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '\\' && next != '\0') {
            // Other escapes are those of names and strings.
            if (next != '$')
                made += '\\';
            made += text[++i];
        } else if (text[i] != '$') {
            made += text[i];
        } else if (next == '$') {
            made += text[++i];
        } else {
            Modifier modifier;
            if (next == '{') {
                const std::size_t end = text.find('}', i);
                if (end == std::string_view::npos ||
                    !read_modifier(text.substr(i + 2, end - i - 2), modifier))
                    return base::error("\"" + std::string(text.substr(i, end - i + 1)) +
                                       "\" is not ${offset}, ${offset,width} or "
                                       "${offset,width,base} with a base of d, o, x, X, n or N");
                i = end;
            }
            const std::int64_t value = std::int64_t{number} + modifier.offset;
            if (value < 0)
                return base::error("the offset makes " + std::to_string(value) + " of " +
                                   std::to_string(number));
            made += in_base(static_cast<std::uint64_t>(value), modifier);
        }
    }
    return made;
}

}  // namespace summond::zone
