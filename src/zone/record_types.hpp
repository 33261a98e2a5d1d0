// The record types whose data we know how to write: their mnemonics and fields, from which the
// readers of text (rdata.cpp) and of wire format (rdata_wire.cpp) work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "summond/dns/types.hpp"

namespace summond::zone {

enum class FieldKind : std::uint8_t {
    u8,
    u16,
    u32,
    period,       // 32 bits: seconds, or 1h30m
    time,         // 32 bits: seconds, or YYYYMMDDHHmmSS (RFC 4034 §3.2)
    rr_type,      // 16 bits: a mnemonic or TYPEn
    algorithm,    // 8 bits, DNSSEC's
    certificate,  // 16 bits, CERT's types
    scheme,       // 8 bits, DSYNC's
    name,         // uncompressed
    ipv4,
    ipv6,
    string,  // a <character-string>
    optional_string,
    strings,      // one or more
    digits,       // a <character-string> of at least four decimal digits (RFC 1183 §3.1)
    text,         // the rest: one string without a length
    target,       // the same, not empty (RFC 7553 §4.4)
    tag,          // CAA's: a length and letters and digits (RFC 8659 §4.1)
    hex,          // the rest, in any number of words
    hex_or_zero,  // the same; where algorithm is 0 it may be one digit (RFC 8078 §4)
    zone_digest,  // hex, at least min_zone_digest octets
    base64,       // the rest, in any number of words
    base64_or_zero,
    optional_base64,
    key_material,  // KEY's: base64, nothing where flags say that there is no key (RFC 2535 §3.1.2)
    base64_or_dash,  // "-": nothing
    salt,            // a length and octets, "-" or hexadecimal (RFC 5155 §3.3)
    hash,            // a length and octets, base32hex (RFC 5155 §3.3)
    types,           // type bit maps (RFC 4034 §4.1.2); may be none
    nxt_types,       // a bit map of types below 128 (RFC 2535 §5.2)
    eui48,
    eui64,
    locator,   // 64 bits, four groups of hexadecimal digits (RFC 6742 §2.1.2)
    loc,       // all of LOC
    apl,       // all of APL
    services,  // WKS's protocol and ports
    nsap,
    atma,
    a6,             // all of A6
    gateway,        // IPSECKEY's, by the octet before the last one
    discovery,      // AMTRELAY's D-bit and relay type
    relay,          // AMTRELAY's, by the octet before
    host_identity,  // all of HIP
    parameters,     // SvcParams (RFC 9460 §2.1)
};

inline constexpr std::size_t min_zone_digest = 12;  // octets, RFC 8976 §2.2.4

struct Field {
    FieldKind kind{};
    const char* name = nullptr;  // as its RFC calls it
};

struct RecordType {
    static constexpr std::size_t max_fields = 9;

    std::uint16_t number;
    std::string_view mnemonic;
    Field list[max_fields];

    // None: the type has no presentation format, only that of RFC 3597 §5.
    std::span<const Field> fields() const;
    // Fields as a person writes them: "preference exchange".
    std::string usage() const;
};

// Null for a type that is not known.
const RecordType* find_record_type(dns::Type type);

// A mnemonic or TYPEn (RFC 3597 §5), in any case.
std::optional<dns::Type> type_from_text(std::string_view text);
// The mnemonic, or TYPEn.
std::string type_to_text(dns::Type type);

}  // namespace summond::zone
