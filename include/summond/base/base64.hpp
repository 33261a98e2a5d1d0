// Base64 (RFC 4648 §4).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace summond::base {

std::string to_base64(std::span<const std::uint8_t> octets);
// With or without its padding. Nothing: it is none.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace summond::base
