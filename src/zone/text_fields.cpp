#include "text_fields.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace summond::zone {

namespace {

constexpr std::size_t max_string = 255;  // RFC 1035 §3.3
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base32hex_digits = "0123456789abcdefghijklmnopqrstuv";
constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of each digit of an alphabet; 255: no digit. Letters in any case where it has small
// ones only.
constexpr std::uint8_t no_digit = 255;
constexpr auto values_of(std::string_view digits) {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    const bool any_case = digits.size() < 64;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        const auto digit = static_cast<std::uint8_t>(digits[i]);
        values[digit] = static_cast<std::uint8_t>(i);
        if (any_case && digit >= 'a')
            values[digit - 'a' + 'A'] = static_cast<std::uint8_t>(i);
    }
    return values;
}

// Bits of digits, put together to octets (RFC 4648).
class Decoder {
  public:
    Decoder(const std::array<std::uint8_t, 256>& values, unsigned bits, Bytes& out)
        : values_(values), bits_(bits), out_(out) {}

    // False: no digit.
    bool add(char c) {
        const std::uint8_t value = values_[static_cast<std::uint8_t>(c)];
        if (value == no_digit)
            return false;
        held_ = held_ << bits_ | value;
        count_ += bits_;
        if (count_ >= 8) {
            count_ -= 8;
            append8(out_, held_ >> count_ & 0xff);
        }
        held_ &= (1U << count_) - 1;
        return true;
    }
    // The digits make whole octets, and what is over of the last one is zero (RFC 4648 §3.5).
    bool complete() const { return count_ < bits_ && held_ == 0; }

  private:
    const std::array<std::uint8_t, 256>& values_;
    const unsigned bits_;
    Bytes& out_;
    unsigned held_ = 0;
    unsigned count_ = 0;
};

// One octet of a string at text[i], which moves past it. Nothing: a bad escape (RFC 1035 §5.1).
std::optional<std::uint8_t> next_octet(std::string_view text, std::size_t& i) {
    const auto digit = [&](std::size_t at) {
        return at < text.size() && text[at] >= '0' && text[at] <= '9';
    };
    const char c = text[i++];
    if (c != '\\')
        return static_cast<std::uint8_t>(c);
    if (i == text.size())
        return std::nullopt;
    if (!digit(i))
        return static_cast<std::uint8_t>(text[i++]);
    if (!digit(i + 1) || !digit(i + 2))
        return std::nullopt;
    const int value = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
    i += 3;
    return value > 255 ? std::nullopt : std::optional(static_cast<std::uint8_t>(value));
}

// Decodes up to a quotation mark or the end of the word, from which it removes it all.
base::Result<void> next_piece(std::string_view& word, Bytes& out) {
    const bool quoted = word[0] == '"';
    std::size_t i = quoted ? 1 : 0;
    while (i < word.size() && word[i] != '"') {
        const auto octet = next_octet(word, i);
        if (!octet)
            return base::error("a backslash takes one character or three digits up to 255");
        out.push_back(*octet);
    }
    word.remove_prefix(std::min(i + (quoted ? 1 : 0), word.size()));
    return {};
}

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, ::toupper, ::toupper);
}

void append8(Bytes& out, std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value));
}

void append16(Bytes& out, std::size_t value) {
    append8(out, value >> 8);
    append8(out, value);
}

void append32(Bytes& out, std::uint32_t value) {
    append16(out, value >> 16);
    append16(out, value);
}

void append(Bytes& out, std::span<const std::uint8_t> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

tl::unexpected<base::Error> is_not(std::string_view text, const std::string& what) {
    constexpr std::size_t shown = 60;
    const bool all = text.size() <= shown;
    return base::error("\"" + std::string(text.substr(0, shown)) + (all ? "" : "...") +
                       "\" is not " + what);
}

std::optional<std::uint32_t> seconds_from_text(std::string_view text, std::uint32_t limit) {
    std::uint64_t total = 0;
    if (text.empty())
        return std::nullopt;
    while (!text.empty()) {
        std::uint64_t value = 0;
        const auto [end, problem] = std::from_chars(text.begin(), text.end(), value);
        if (problem != std::errc() || value > limit)
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
        if (!text.empty()) {
            switch (text[0]) {
                case 's':
                case 'S':
                    break;
                case 'm':
                case 'M':
                    value *= 60;
                    break;
                case 'h':
                case 'H':
                    value *= 3600;
                    break;
                case 'd':
                case 'D':
                    value *= 86400;
                    break;
                case 'w':
                case 'W':
                    value *= 604800;
                    break;
                default:
                    return std::nullopt;
            }
            text.remove_prefix(1);
        }
        total += value;
        if (total > limit)
            return std::nullopt;
    }
    return static_cast<std::uint32_t>(total);
}

std::optional<std::uint32_t> time_from_text(std::string_view text) {
    constexpr std::size_t calendar = 14;
    if (text.size() != calendar)
        return number_from_text<std::uint32_t>(text);
    const auto part = [&](std::size_t at, std::size_t size) {
        return number_from_text<unsigned>(text.substr(at, size)).value_or(9999);
    };
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(part(0, 4))),
                                           std::chrono::month(part(4, 2)),
                                           std::chrono::day(part(6, 2))};
    const unsigned hour = part(8, 2);
    const unsigned minute = part(10, 2);
    const unsigned second = part(12, 2);
    if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }) || !date.ok() ||
        date.year() < std::chrono::year(1970) || hour > 23 || minute > 59 || second > 59)
        return std::nullopt;
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return static_cast<std::uint32_t>(days * 86400 + hour * 3600 + minute * 60 + second);
}

base::Result<void> read_text(std::string_view word, Bytes& out) {
    std::string_view rest = word;
    if (auto r = next_piece(rest, out); !r)
        return r;
    if (!rest.empty())
        return is_not(word, "one string: put quotation marks around all of it, or write \\\"");
    return {};
}

base::Result<std::size_t> read_strings(std::string_view word, Bytes& out) {
    std::size_t count = 0;
    for (; !word.empty(); ++count) {
        const std::size_t length_at = out.size();
        out.push_back(0);
        if (const auto r = next_piece(word, out); !r)
            return tl::make_unexpected(r.error());
        const std::size_t size = out.size() - length_at - 1;
        if (size > max_string)
            return base::error("a string is longer than 255 octets");
        out[length_at] = static_cast<std::uint8_t>(size);
    }
    return count;
}

namespace {

// Digits in any number of words; padded: with "=" to a multiple of four.
base::Result<void> read_digits(Words& words, const std::array<std::uint8_t, 256>& values,
                               unsigned bits, bool padded, const char* what, Bytes& out) {
    constexpr std::size_t group = 4;
    Decoder decoder(values, bits, out);
    std::size_t digits = 0;
    std::size_t padding = 0;
    std::string_view word;
    do {
        word = words.take();
        for (const char c : word) {
            if (padded && c == '=')
                ++padding;
            else if (padding > 0 || !decoder.add(c))
                return is_not(word, what);
            else
                ++digits;
        }
    } while (!words.empty());
    const bool whole_groups = !padded || (padding <= 2 && (digits + padding) % group == 0);
    if (digits == 0 || !decoder.complete() || !whole_groups)
        return is_not(word, what);
    return {};
}

}  // namespace

base::Result<void> read_hex(Words& words, Bytes& out) {
    static constexpr auto values = values_of(hex_digits);
    return read_digits(words, values, 4, false, "hexadecimal, two digits for each octet", out);
}

base::Result<void> read_base64(Words& words, Bytes& out) {
    static constexpr auto values = values_of(base64_digits);
    return read_digits(words, values, 6, true, "complete base64", out);
}

base::Result<void> read_hex_word(std::string_view word, Bytes& out) {
    Words words(std::span(&word, 1));
    return read_hex(words, out);
}

base::Result<void> read_base64_word(std::string_view word, Bytes& out) {
    Words words(std::span(&word, 1));
    return read_base64(words, out);
}

base::Result<void> read_base32hex_word(std::string_view word, Bytes& out) {
    static constexpr auto values = values_of(base32hex_digits);
    Words words(std::span(&word, 1));
    return read_digits(words, values, 5, false, "complete base32hex without padding", out);
}

}  // namespace summond::zone
