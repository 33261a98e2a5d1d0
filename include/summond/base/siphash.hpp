// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of short messages.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace summond::base {

// The 8 octets of the hash in the order of the reference implementation (least significant first).
std::array<std::uint8_t, 8> siphash_2_4(std::span<const std::uint8_t> message,
                                        std::span<const std::uint8_t, 16> key) noexcept;

}  // namespace summond::base
