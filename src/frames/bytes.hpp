// Reading and writing packets, octet by octet in network order, and the Internet checksum.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace summond::frames {

using Bytes = std::span<const std::uint8_t>;

inline std::uint16_t get16(Bytes at, std::size_t offset) {
    return static_cast<std::uint16_t>(at[offset] << 8 | at[offset + 1]);
}

inline std::uint32_t get32(Bytes at, std::size_t offset) {
    return static_cast<std::uint32_t>(get16(at, offset)) << 16 | get16(at, offset + 2);
}

// Appends to a vector.
class Writer {
  public:
    explicit Writer(std::vector<std::uint8_t>& out) : out_(out) {}
    Writer& u8(unsigned value) {
        out_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    Writer& u16(unsigned value) { return u8(value >> 8 & 0xff).u8(value & 0xff); }
    Writer& bytes(Bytes bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Writer& zeros(std::size_t count) {
        out_.insert(out_.end(), count, 0);
        return *this;
    }
    std::size_t size() const { return out_.size(); }

  private:
    std::vector<std::uint8_t>& out_;
};

// RFC 1071. Add up parts of even length, then fold.
inline std::uint32_t add_up(Bytes bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        sum += get16(bytes, i);
    if (bytes.size() % 2 != 0)
        sum += static_cast<std::uint32_t>(bytes.back()) << 8;
    return sum;
}

inline std::uint16_t fold(std::uint32_t sum) {
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace summond::frames
