// DNS Cookies (RFC 7873) with the interoperable server cookie of RFC 9018, version 1.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "summond/answer/answer.hpp"

namespace summond::answer {

// Data of a COOKIE option as we send it: the client's 8 octets, our 16.
using Cookie = std::array<std::uint8_t, 24>;

struct CheckedCookie {
    using Client = ClientCookie;
    Client client;  // unknown, known or wrong
    Cookie reply;   // to send
};

// RFC 7873 §4: 8 octets of the client's cookie, then nothing or 8 to 32 of a server's.
constexpr bool is_well_formed_cookie(std::span<const std::uint8_t> option) {
    return option.size() == 8 || (option.size() >= 16 && option.size() <= 40);
}

// option: well-formed data. address: of the client, 4 or 16 octets. now: Unix time, seconds.
CheckedCookie check_cookie(std::span<const std::uint8_t> option,
                           std::span<const std::uint8_t> address, std::uint32_t now,
                           const CookieSecret& secret) noexcept;

}  // namespace summond::answer
