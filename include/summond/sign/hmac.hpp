// HMAC-SHA256 (RFC 2104, FIPS 180-4): how webhooks are signed.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace summond::sign {

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view text);

}  // namespace summond::sign
