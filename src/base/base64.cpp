#include "summond/base/base64.hpp"

#include <algorithm>

namespace summond::base {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::span<const std::uint8_t> octets) {
    std::string text;
    for (std::size_t i = 0; i < octets.size(); i += 3) {
        const auto piece = octets.subspan(i, std::min<std::size_t>(3, octets.size() - i));
        std::uint32_t bits = 0;
        for (std::size_t octet = 0; octet < 3; ++octet)
            bits = bits << 8 | (octet < piece.size() ? piece[octet] : 0U);
        for (std::size_t digit = 0; digit < 4; ++digit)
            text += digit <= piece.size() ? alphabet[bits >> (18 - 6 * digit) & 63] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string octets;
    const std::size_t padding = text.size() - (text.find_last_not_of('=') + 1);
    if (padding > 2 || (padding > 0 && text.size() % 4 != 0))
        return std::nullopt;
    text.remove_suffix(padding);
    if (text.size() % 4 == 1)
        return std::nullopt;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const auto digit = alphabet.find(c);
        if (digit == std::string_view::npos)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            octets += static_cast<char>(bits >> count & 0xff);
        }
    }
    if ((bits & ((1U << count) - 1)) != 0)  // bits that are no octet's
        return std::nullopt;
    return octets;
}

}  // namespace summond::base
