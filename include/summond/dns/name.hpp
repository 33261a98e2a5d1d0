// A domain name in uncompressed wire format (RFC 1035 §3.1), any octets in its labels.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"

namespace summond::dns {

inline constexpr std::size_t max_name_size = 255;  // octets on the wire, RFC 1035 §2.3.4
inline constexpr std::size_t max_label_size = 63;

// Room for a name in wire format.
using NameBuffer = std::array<std::uint8_t, max_name_size>;
enum class Case { keep, fold };  // fold: ASCII letters to lower case (RFC 4343)
// As Name::parse with an origin, into `wire`: the size there. Allocates nothing but for an error.
// Octets outside ASCII are taken as \DDD only: written as they are, they are nearly always a name
// that DNS knows by its xn-- form (RFC 5890), which the error then says.
base::Result<std::size_t> parse_name(std::string_view text, std::span<const std::uint8_t> origin,
                                     Case letters, NameBuffer& wire);

// Always a valid, absolute name, kept in lower case (RFC 4343: ASCII letters only), so that equal
// names have equal bytes.
class Name {
  public:
    // The root.
    Name() : wire_(1, '\0') {}
    // Presentation format (RFC 1035 §5.1: \. and \DDD escapes), absolute whether or not it ends
    // in a dot. Errors: empty, empty label, label over 63 octets, name over 255, bad escape.
    static base::Result<Name> parse(std::string_view text);
    // As parse, but text without a final dot is relative to origin; "@" is the origin.
    static base::Result<Name> parse(std::string_view text, const Name& origin);
    // Exactly one uncompressed name. Errors: truncated, trailing bytes, compression pointer.
    static base::Result<Name> from_wire(std::span<const std::uint8_t> wire);
    // in-addr.arpa or ip6.arpa (RFC 1035 §3.5, RFC 3596 §2.5).
    static Name reverse(const base::IpAddress& address);

    // Lower case, with the root label; 1 to 255 octets.
    std::span<const std::uint8_t> wire() const {
        return {reinterpret_cast<const std::uint8_t*>(wire_.data()), wire_.size()};
    }
    // Presentation format with the final dot.
    std::string to_string() const;
    bool is_root() const { return wire_.size() == 1; }
    // Without the root label: the root has 0.
    std::size_t label_count() const;
    // True for the name itself and everything below it.
    bool is_at_or_below(const Name& ancestor) const;
    // One label fewer. Not for the root.
    Name parent() const;

    friend bool operator==(const Name&, const Name&) = default;
    friend auto operator<=>(const Name&, const Name&) = default;  // byte order, not canonical order

  private:
    std::string wire_;
};

}  // namespace summond::dns
