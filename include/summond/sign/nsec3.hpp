// The hashes of names that NSEC3 denies by (RFC 5155). Allocates nothing, for the query engine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace summond::sign {

// What hashes are made with.
struct Nsec3Parameters {
    std::uint16_t iterations = 0;  // in addition to the first
    std::span<const std::uint8_t> salt{};
};

// More cost us and resolvers time and protect nothing; resolvers take such zones for unsigned, or
// refuse them (RFC 9276 §3.2).
inline constexpr std::uint16_t max_nsec3_iterations = 100;

inline constexpr std::uint8_t nsec3_sha1 = 1;  // RFC 5155 §11: the only algorithm
inline constexpr std::size_t nsec3_hash_size = 20;
using Nsec3Hash = std::array<std::uint8_t, nsec3_hash_size>;

// name: lower case, wire format (RFC 5155 §5).
Nsec3Hash nsec3_hash(std::span<const std::uint8_t> name,
                     const Nsec3Parameters& parameters) noexcept;

// A hash as the first label of an owner name, in lower case: its length octet and 32 of base32hex
// (RFC 4648 §7), which sort as the hashes do.
inline constexpr std::size_t nsec3_label_size = 1 + 32;
using Nsec3Label = std::array<std::uint8_t, nsec3_label_size>;
Nsec3Label nsec3_label(std::span<const std::uint8_t, nsec3_hash_size> hash) noexcept;

}  // namespace summond::sign
