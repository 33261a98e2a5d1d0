// Single values in the presentation format of zone files, into wire format.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"

namespace summond::zone {

using Bytes = std::vector<std::uint8_t>;

// The words of a record's data as they stand in the file, quotes and escapes included, taken one
// after the other. Whoever finds a mistake has taken the word that it is in.
class Words {
  public:
    explicit Words(std::span<const std::string_view> words) : words_(words) {}
    bool empty() const { return next_ == words_.size(); }
    std::size_t left() const { return words_.size() - next_; }
    std::size_t taken() const { return next_; }
    std::string_view peek() const { return words_[next_]; }
    std::string_view take() { return words_[next_++]; }

  private:
    std::span<const std::string_view> words_;
    std::size_t next_ = 0;
};

// Decimal, without a sign; nothing: it is not, or too large.
template <typename Number>
std::optional<Number> number_from_text(std::string_view text) {
    Number value{};
    const auto [end, problem] = std::from_chars(text.begin(), text.end(), value);
    if (problem != std::errc() || end != text.end())
        return std::nullopt;
    return value;
}

// "3600" or "1h30m" in seconds, as BIND writes them.
std::optional<std::uint32_t> seconds_from_text(std::string_view text, std::uint32_t limit);
// YYYYMMDDHHmmSS in UTC or a number of seconds, both modulo 2^32 (RFC 4034 §3.2).
std::optional<std::uint32_t> time_from_text(std::string_view text);
bool same_text(std::string_view a, std::string_view b);

void append8(Bytes& out, std::size_t value);
void append16(Bytes& out, std::size_t value);
void append32(Bytes& out, std::uint32_t value);
void append(Bytes& out, std::span<const std::uint8_t> bytes);

// "\"x\" is not WHAT".
tl::unexpected<base::Error> is_not(std::string_view text, const std::string& what);

// Decodes one string, in quotes or without, without its length.
base::Result<void> read_text(std::string_view word, Bytes& out);
// The <character-string>s of one word, of which quotation marks may make several. Returns how many.
base::Result<std::size_t> read_strings(std::string_view word, Bytes& out);
// All words to the end, at least one octet.
base::Result<void> read_hex(Words& words, Bytes& out);
base::Result<void> read_base64(Words& words, Bytes& out);
// One word.
base::Result<void> read_hex_word(std::string_view word, Bytes& out);
base::Result<void> read_base64_word(std::string_view word, Bytes& out);
base::Result<void> read_base32hex_word(std::string_view word, Bytes& out);

}  // namespace summond::zone
