#include "cookie.hpp"

#include <algorithm>

#include "summond/base/siphash.hpp"
#include "summond/dns/wire.hpp"

namespace summond::answer {

namespace {

// RFC 9018 §4.3, seconds.
constexpr std::int32_t lifetime = 3600;
constexpr std::int32_t clock_skew = 300;
constexpr std::int32_t renew_after = 1800;

constexpr std::uint8_t version = 1;
// In a COOKIE option with a server cookie of version 1: the client's cookie, version and three
// reserved octets, timestamp, hash (RFC 9018 §4).
constexpr std::size_t version_at = 8;
constexpr std::size_t timestamp_at = 12;
constexpr std::size_t hash_at = 16;

// RFC 9018 §4.4: over all that stands before the hash, reserved octets as received, and the
// address.
std::array<std::uint8_t, 8> hash_of(std::span<const std::uint8_t> cookie,
                                    std::span<const std::uint8_t> address,
                                    const CookieSecret& secret) {
    std::array<std::uint8_t, hash_at + 16> message;
    std::copy_n(cookie.begin(), hash_at, message.begin());
    std::copy(address.begin(), address.end(), message.begin() + hash_at);
    return base::siphash_2_4(std::span(message).first(hash_at + address.size()), secret);
}

// Octet by octet without a branch: how long it takes tells nothing about the hash.
bool equal(std::span<const std::uint8_t, 8> a, std::span<const std::uint8_t, 8> b) {
    unsigned different = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        different |= a[i] ^ b[i];
    return different == 0;
}

}  // namespace

CheckedCookie check_cookie(std::span<const std::uint8_t> option,
                           std::span<const std::uint8_t> address, std::uint32_t now,
                           const CookieSecret& secret) noexcept {
    using Client = CheckedCookie::Client;
    CheckedCookie result{option.size() == 8 ? Client::unknown : Client::wrong, {}};
    Cookie& reply = result.reply;
    if (option.size() == reply.size() && option[version_at] == version) {
        // Timestamps wrap around in 2106: differences are of serial numbers (RFC 1982).
        const auto age = static_cast<std::int32_t>(now - dns::get32(&option[timestamp_at]));
        if (age >= -clock_skew && age <= lifetime &&
            equal(hash_of(option, address, secret), option.subspan<hash_at, 8>())) {
            result.client = Client::known;
            if (age <= renew_after) {
                std::copy(option.begin(), option.end(), reply.begin());
                return result;
            }
        }
    }
    std::copy_n(option.begin(), version_at, reply.begin());
    reply[version_at] = version;
    dns::put32(&reply[timestamp_at], now);
    const auto hash = hash_of(reply, address, secret);
    std::copy(hash.begin(), hash.end(), reply.begin() + hash_at);
    return result;
}

}  // namespace summond::answer
