// Turns records into the RRsets of an image.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "zone_data.hpp"

namespace summond::zone {

// Appends one RRset of `owner` to bytes, which end at a multiple of 8 octets before and after.
// is_signed: its signatures are written next.
// target is called for each record that has one (image::has_targets) with the position in bytes
// that takes its Ref, and its name in wire format, in any case.
void write_rrset(const ZoneData& zone, std::string_view owner, std::span<const Record> records,
                 std::uint32_t ttl, bool is_signed, std::vector<std::uint8_t>& bytes,
                 const std::function<void(std::size_t, std::string_view)>& target);

// Appends value and nothing else.
template <typename T>
void append_object(std::vector<std::uint8_t>& bytes, const T& value) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof value);
}

inline void pad(std::vector<std::uint8_t>& bytes, std::size_t unit) {
    bytes.resize((bytes.size() + unit - 1) / unit * unit);
}

}  // namespace summond::zone
