// A name for look-ups: wire format, lower case, on the stack, with room to be hashed and compared
// in 8-octet words.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "summond/dns/name.hpp"

namespace summond::dns {

inline constexpr std::size_t max_labels = 127;  // 127 labels of one octet and the root

// Lower case of one octet, ASCII letters only (RFC 4343 §3). Length octets (0 to 63) lie below the
// letters, so a whole wire-format name can be folded octet by octet.
constexpr std::uint8_t fold(std::uint8_t octet) {
    return static_cast<std::uint8_t>(octet |
                                     (static_cast<std::uint8_t>(octet - 'A') < 26 ? 0x20 : 0));
}

struct FoldedName {
    std::uint16_t size = 0;   // octets with the root label, 1 to 255
    std::uint8_t labels = 0;  // without the root label
    // Where each label's length octet is; start[labels] is the root label.
    std::array<std::uint8_t, max_labels + 1> start;
    // The name, then at least 7 zero octets.
    alignas(8) std::array<std::uint8_t, max_name_size + 9> wire;

    // Takes the uncompressed name at the beginning of bytes. False when it is cut short, longer
    // than 255 octets or has a label that is not a plain one (RFC 1035 §4.1.4 pointers included).
    bool assign(std::span<const std::uint8_t> bytes);

    // The name of its last `count` labels: from this octet to the end.
    const std::uint8_t* suffix(std::size_t count) const {
        return wire.data() + start[labels - count];
    }
    std::uint16_t suffix_size(std::size_t count) const {
        return static_cast<std::uint16_t>(size - start[labels - count]);
    }
};

}  // namespace summond::dns
