#include "record_types.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace summond::zone {

namespace {

using enum FieldKind;

// In the order of their numbers. Obsolete and experimental types are here as Knot, NSD or BIND know
// them.
constexpr RecordType record_types[] = {
    {1, "A", {{ipv4, "address"}}},
    {2, "NS", {{name, "name-server"}}},
    {3, "MD", {{name, "mail-agent"}}},
    {4, "MF", {{name, "mail-agent"}}},
    {5, "CNAME", {{name, "canonical-name"}}},
    {6,
     "SOA",
     {{name, "mname"},
      {name, "rname"},
      {u32, "serial"},
      {period, "refresh"},
      {period, "retry"},
      {period, "expire"},
      {period, "minimum"}}},
    {7, "MB", {{name, "mailbox-host"}}},
    {8, "MG", {{name, "mailbox"}}},
    {9, "MR", {{name, "mailbox"}}},
    {10, "NULL", {}},
    {11, "WKS", {{ipv4, "address"}, {services, "protocol ports"}}},
    {12, "PTR", {{name, "name"}}},
    {13, "HINFO", {{string, "cpu"}, {string, "os"}}},
    {14, "MINFO", {{name, "responsible-mailbox"}, {name, "error-mailbox"}}},
    {15, "MX", {{u16, "preference"}, {name, "exchange"}}},
    {16, "TXT", {{strings, "text"}}},
    {17, "RP", {{name, "mailbox"}, {name, "txt-name"}}},
    {18, "AFSDB", {{u16, "subtype"}, {name, "hostname"}}},
    {19, "X25", {{digits, "psdn-address"}}},
    {20, "ISDN", {{string, "isdn-address"}, {optional_string, "subaddress"}}},
    {21, "RT", {{u16, "preference"}, {name, "intermediate-host"}}},
    {22, "NSAP", {{nsap, "address"}}},
    {23, "NSAP-PTR", {{name, "owner"}}},
    {24,
     "SIG",
     {{rr_type, "type-covered"},
      {algorithm, "algorithm"},
      {u8, "labels"},
      {u32, "original-ttl"},
      {time, "expiration"},
      {time, "inception"},
      {u16, "key-tag"},
      {name, "signer"},
      {base64, "signature"}}},
    {25,
     "KEY",
     {{u16, "flags"}, {u8, "protocol"}, {algorithm, "algorithm"}, {key_material, "public-key"}}},
    {26, "PX", {{u16, "preference"}, {name, "map822"}, {name, "mapx400"}}},
    {27, "GPOS", {{string, "longitude"}, {string, "latitude"}, {string, "altitude"}}},
    {28, "AAAA", {{ipv6, "address"}}},
    {29, "LOC", {{loc, "d1 [m1 [s1]] N|S d2 [m2 [s2]] E|W alt [size [hp [vp]]]"}}},
    {30, "NXT", {{name, "next-name"}, {nxt_types, "types"}}},
    {31, "EID", {{hex, "endpoint"}}},
    {32, "NIMLOC", {{hex, "locator"}}},
    {33, "SRV", {{u16, "priority"}, {u16, "weight"}, {u16, "port"}, {name, "target"}}},
    {34, "ATMA", {{atma, "address"}}},
    {35,
     "NAPTR",
     {{u16, "order"},
      {u16, "preference"},
      {string, "flags"},
      {string, "services"},
      {string, "regexp"},
      {name, "replacement"}}},
    {36, "KX", {{u16, "preference"}, {name, "exchanger"}}},
    {37,
     "CERT",
     {{certificate, "type"}, {u16, "key-tag"}, {algorithm, "algorithm"}, {base64, "certificate"}}},
    {38, "A6", {{a6, "prefix-length [suffix] [prefix-name]"}}},
    {39, "DNAME", {{name, "target"}}},
    {40, "SINK", {{u8, "meaning"}, {u8, "coding"}, {u8, "subcoding"}, {optional_base64, "data"}}},
    {42, "APL", {{apl, "[!]family:address/length"}}},
    {43, "DS", {{u16, "key-tag"}, {algorithm, "algorithm"}, {u8, "digest-type"}, {hex, "digest"}}},
    {44, "SSHFP", {{u8, "algorithm"}, {u8, "fingerprint-type"}, {hex, "fingerprint"}}},
    {45,
     "IPSECKEY",
     {{u8, "precedence"},
      {u8, "gateway-type"},
      {u8, "algorithm"},
      {gateway, "gateway"},
      {optional_base64, "public-key"}}},
    {46,
     "RRSIG",
     {{rr_type, "type-covered"},
      {algorithm, "algorithm"},
      {u8, "labels"},
      {u32, "original-ttl"},
      {time, "expiration"},
      {time, "inception"},
      {u16, "key-tag"},
      {name, "signer"},
      {base64, "signature"}}},
    {47, "NSEC", {{name, "next-name"}, {types, "types"}}},
    {48,
     "DNSKEY",
     {{u16, "flags"}, {u8, "protocol"}, {algorithm, "algorithm"}, {base64, "public-key"}}},
    {49, "DHCID", {{base64, "digest"}}},
    {50,
     "NSEC3",
     {{u8, "hash-algorithm"},
      {u8, "flags"},
      {u16, "iterations"},
      {salt, "salt"},
      {hash, "next-hashed-owner"},
      {types, "types"}}},
    {51,
     "NSEC3PARAM",
     {{u8, "hash-algorithm"}, {u8, "flags"}, {u16, "iterations"}, {salt, "salt"}}},
    {52,
     "TLSA",
     {{u8, "certificate-usage"}, {u8, "selector"}, {u8, "matching-type"}, {hex, "data"}}},
    {53,
     "SMIMEA",
     {{u8, "certificate-usage"}, {u8, "selector"}, {u8, "matching-type"}, {hex, "data"}}},
    {55, "HIP", {{host_identity, "pk-algorithm hit public-key [rendezvous-server ...]"}}},
    {56, "NINFO", {{strings, "text"}}},
    {57,
     "RKEY",
     {{u16, "flags"}, {u8, "protocol"}, {algorithm, "algorithm"}, {base64, "public-key"}}},
    {58, "TALINK", {{name, "previous"}, {name, "next"}}},
    {59,
     "CDS",
     {{u16, "key-tag"}, {algorithm, "algorithm"}, {u8, "digest-type"}, {hex_or_zero, "digest"}}},
    {60,
     "CDNSKEY",
     {{u16, "flags"}, {u8, "protocol"}, {algorithm, "algorithm"}, {base64_or_zero, "public-key"}}},
    {61, "OPENPGPKEY", {{base64, "public-key"}}},
    {62, "CSYNC", {{u32, "serial"}, {u16, "flags"}, {types, "types"}}},
    {63,
     "ZONEMD",
     {{u32, "serial"}, {u8, "scheme"}, {u8, "hash-algorithm"}, {zone_digest, "digest"}}},
    {64, "SVCB", {{u16, "priority"}, {name, "target"}, {parameters, "parameters"}}},
    {65, "HTTPS", {{u16, "priority"}, {name, "target"}, {parameters, "parameters"}}},
    {66, "DSYNC", {{rr_type, "type"}, {scheme, "scheme"}, {u16, "port"}, {name, "target"}}},
    {67, "HHIT", {{base64, "data"}}},
    {68, "BRID", {{base64, "data"}}},
    {99, "SPF", {{strings, "text"}}},
    {100, "UINFO", {}},
    {101, "UID", {}},
    {102, "GID", {}},
    {103, "UNSPEC", {}},
    {104, "NID", {{u16, "preference"}, {locator, "node-id"}}},
    {105, "L32", {{u16, "preference"}, {ipv4, "locator"}}},
    {106, "L64", {{u16, "preference"}, {locator, "locator"}}},
    {107, "LP", {{u16, "preference"}, {name, "fqdn"}}},
    {108, "EUI48", {{eui48, "address"}}},
    {109, "EUI64", {{eui64, "address"}}},
    {128, "NXNAME", {}},
    {249, "TKEY", {}},
    {250, "TSIG", {}},
    {251, "IXFR", {}},
    {252, "AXFR", {}},
    {253, "MAILB", {}},
    {254, "MAILA", {}},
    {255, "ANY", {}},
    {256, "URI", {{u16, "priority"}, {u16, "weight"}, {target, "target"}}},
    {257, "CAA", {{u8, "flags"}, {tag, "tag"}, {text, "value"}}},
    {258, "AVC", {{strings, "text"}}},
    {259,
     "DOA",
     {{u32, "enterprise"},
      {u32, "type"},
      {u8, "location"},
      {string, "media-type"},
      {base64_or_dash, "data"}}},
    {260, "AMTRELAY", {{u8, "precedence"}, {discovery, "D-bit type"}, {relay, "relay"}}},
    {261, "RESINFO", {{strings, "text"}}},
    {262, "WALLET", {{strings, "text"}}},
    {32768,
     "TA",
     {{u16, "key-tag"}, {algorithm, "algorithm"}, {u8, "digest-type"}, {hex, "digest"}}},
    {32769,
     "DLV",
     {{u16, "key-tag"}, {algorithm, "algorithm"}, {u8, "digest-type"}, {hex, "digest"}}},
};
constexpr std::size_t count = std::size(record_types);
static_assert(std::ranges::is_sorted(record_types, {}, &RecordType::number));

constexpr char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// The same, in the order of their mnemonics.
constexpr auto make_by_mnemonic() {
    std::array<const RecordType*, count> sorted{};
    for (std::size_t i = 0; i < count; ++i)
        sorted[i] = &record_types[i];
    std::ranges::sort(sorted, {}, &RecordType::mnemonic);
    return sorted;
}
constexpr auto by_mnemonic = make_by_mnemonic();

// Nearly all records are of these.
constexpr std::size_t low_types = 258;
constexpr auto make_by_number() {
    std::array<const RecordType*, low_types> table{};
    for (const RecordType& type : record_types) {
        if (type.number < low_types)
            table[type.number] = &type;
    }
    return table;
}
constexpr auto by_number = make_by_number();

}  // namespace

std::span<const Field> RecordType::fields() const {
    const auto* const end =
        std::ranges::find_if(list, [](const Field& field) { return field.name == nullptr; });
    return {list, end};
}

std::string RecordType::usage() const {
    std::string text;
    for (const Field& field : fields()) {
        text += text.empty() ? "" : " ";
        switch (field.kind) {
            case optional_string:
            case optional_base64:
            case key_material:
                text += "[" + std::string(field.name) + "]";
                break;
            case strings:
            case nxt_types:
                text += std::string(field.name) + " ...";
                break;
            case types:
            case apl:
            case parameters:
                text += "[" + std::string(field.name) + " ...]";
                break;
            default:
                text += field.name;
        }
    }
    return text;
}

const RecordType* find_record_type(dns::Type type) {
    const auto number = static_cast<std::uint16_t>(type);
    if (number < low_types)
        return by_number[number];
    const auto* const found =
        std::ranges::lower_bound(record_types, number, {}, &RecordType::number);
    return found != std::end(record_types) && found->number == number ? found : nullptr;
}

std::optional<dns::Type> type_from_text(std::string_view text) {
    constexpr std::string_view generic = "TYPE";
    constexpr std::size_t longest = 10;
    // Most records of a large zone.
    if (text == "A")
        return dns::Type::a;
    if (text == "AAAA")
        return dns::Type::aaaa;
    std::array<char, longest> buffer;
    if (text.size() > buffer.size())
        return std::nullopt;
    std::ranges::transform(text, buffer.begin(), upper);
    const std::string_view mnemonic(buffer.data(), text.size());
    const auto found = std::ranges::lower_bound(by_mnemonic, mnemonic, {}, &RecordType::mnemonic);
    if (found != by_mnemonic.end() && mnemonic == (*found)->mnemonic)
        return static_cast<dns::Type>((*found)->number);
    if (mnemonic.size() <= generic.size() || !mnemonic.starts_with(generic))
        return std::nullopt;
    std::uint16_t number = 0;
    const auto [end, problem] =
        std::from_chars(mnemonic.begin() + generic.size(), mnemonic.end(), number);
    if (problem != std::errc() || end != mnemonic.end())
        return std::nullopt;
    return static_cast<dns::Type>(number);
}

std::string type_to_text(dns::Type type) {
    const RecordType* const known = find_record_type(type);
    return known != nullptr ? std::string(known->mnemonic)
                            : "TYPE" + std::to_string(static_cast<unsigned>(type));
}

}  // namespace summond::zone
