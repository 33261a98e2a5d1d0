// The numbers of the DNS that an authoritative server acts upon (IANA "Domain Name System
// Parameters"). Types that are only data to us have no name here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace summond::dns {

// RR types and QTYPEs. Any other 16-bit value is a valid Type too (RFC 3597).
enum class Type : std::uint16_t {
    a = 1,            // RFC 1035 §3.4.1
    ns = 2,           // RFC 1035 §3.3.11
    md = 3,           // RFC 1035 §3.3.4, obsolete
    mf = 4,           // RFC 1035 §3.3.5, obsolete
    cname = 5,        // RFC 1035 §3.3.1
    soa = 6,          // RFC 1035 §3.3.13
    mb = 7,           // RFC 1035 §3.3.3
    mg = 8,           // RFC 1035 §3.3.6
    mr = 9,           // RFC 1035 §3.3.8
    ptr = 12,         // RFC 1035 §3.3.12
    hinfo = 13,       // RFC 1035 §3.3.2, RFC 8482 §4.2
    minfo = 14,       // RFC 1035 §3.3.7
    mx = 15,          // RFC 1035 §3.3.9
    txt = 16,         // RFC 1035 §3.3.14
    key = 25,         // RFC 2535 §3
    aaaa = 28,        // RFC 3596 §2.1
    srv = 33,         // RFC 2782
    dname = 39,       // RFC 6672
    opt = 41,         // RFC 6891 §6.1
    ds = 43,          // RFC 4034 §5
    rrsig = 46,       // RFC 4034 §3
    nsec = 47,        // RFC 4034 §4
    dnskey = 48,      // RFC 4034 §2
    nsec3 = 50,       // RFC 5155 §3
    nsec3param = 51,  // RFC 5155 §4
    zonemd = 63,      // RFC 8976
    svcb = 64,        // RFC 9460
    https = 65,       // RFC 9460 §9
    nxname = 128,     // RFC 9824 §2: in NSEC, that there is no such name
    tsig = 250,       // RFC 8945
    ixfr = 251,       // RFC 1995
    axfr = 252,       // RFC 5936
    mailb = 253,      // RFC 1035 §3.2.3, obsolete
    maila = 254,      // RFC 1035 §3.2.3, obsolete
    any = 255,        // RFC 8482
};

// RFC 6895 §3.1: 128 to 255 are QTYPEs and meta types, never data; OPT is a meta type below them.
constexpr bool is_meta(Type type) {
    const auto value = static_cast<std::uint16_t>(type);
    return value == 0 || (value >= 128 && value <= 255) || type == Type::opt;
}

// RFC 6895 §3.2.
enum class Class : std::uint16_t { in = 1, ch = 3, any = 255 };

// RFC 6895 §2.2.
enum class Opcode : std::uint8_t { query = 0, notify = 4, update = 5 };

// RFC 6895 §2.3. Above 15 only with EDNS.
enum class Rcode : std::uint16_t {
    noerror = 0,
    formerr = 1,
    servfail = 2,
    nxdomain = 3,
    notimp = 4,
    refused = 5,
    yxdomain = 6,    // RFC 6672 §2.2
    notauth = 9,     // RFC 8945 §5.2, RFC 5936 §2.2.1
    badvers = 16,    // RFC 6891 §9
    badcookie = 23,  // RFC 7873 §8
};

// RFC 8914 §4 and §5.2.
enum class ExtendedError : std::uint16_t {
    other = 0,
    not_ready = 14,
    not_authoritative = 20,
    not_supported = 21,
    invalid_data = 24,
    invalid_query_type = 30,  // RFC 9824 §8
};

// EDNS options, RFC 6891 §6.1.2.
enum class Option : std::uint16_t {
    nsid = 3,             // RFC 5001
    cookie = 10,          // RFC 7873
    tcp_keepalive = 11,   // RFC 7828
    padding = 12,         // RFC 7830
    extended_error = 15,  // RFC 8914
};

// Bits of the header's second 16-bit word, RFC 1035 §4.1.1. RA, AD and CD are never set by an
// authoritative server without validation.
inline constexpr std::uint16_t flag_qr = 0x8000;
inline constexpr std::uint16_t flag_aa = 0x0400;
inline constexpr std::uint16_t flag_tc = 0x0200;
inline constexpr std::uint16_t flag_rd = 0x0100;
inline constexpr unsigned opcode_shift = 11;

inline constexpr std::size_t header_size = 12;  // RFC 1035 §4.1.1
inline constexpr std::size_t max_message_size = 65535;
inline constexpr std::size_t min_udp_size = 512;      // RFC 1035 §4.2.1, RFC 6891 §6.2.3
inline constexpr std::size_t max_pointer = 0x3fff;    // RFC 1035 §4.1.4: 14 bits
inline constexpr std::uint32_t max_ttl = 0x7fffffff;  // RFC 2181 §8

}  // namespace summond::dns
