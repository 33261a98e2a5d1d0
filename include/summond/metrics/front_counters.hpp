// What a front counts, in a memfd of zeros that the parent makes and gives it at birth. When that
// front has ended the next one goes on where it stopped, so that the sums over all such files never
// go back while the daemon lives, however its processes end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "summond/dns/types.hpp"
#include "summond/metrics/counter.hpp"

namespace summond::metrics {

// -- Labels: fixed lists, whatever clients ask

struct QueryType {
    std::string_view name;
    dns::Type type;
};
// Those that a zone here can have or a client usually asks for; the mnemonics are IANA's.
inline constexpr QueryType query_types[] = {
    {"A", dns::Type::a},
    {"NS", dns::Type::ns},
    {"CNAME", dns::Type::cname},
    {"SOA", dns::Type::soa},
    {"PTR", dns::Type::ptr},
    {"HINFO", dns::Type::hinfo},
    {"MX", dns::Type::mx},
    {"TXT", dns::Type::txt},
    {"AAAA", dns::Type::aaaa},
    {"SRV", dns::Type::srv},
    {"NAPTR", dns::Type{35}},  // RFC 3403
    {"DNAME", dns::Type::dname},
    {"DS", dns::Type::ds},
    {"SSHFP", dns::Type{44}},  // RFC 4255
    {"RRSIG", dns::Type::rrsig},
    {"NSEC", dns::Type::nsec},
    {"DNSKEY", dns::Type::dnskey},
    {"NSEC3", dns::Type::nsec3},
    {"NSEC3PARAM", dns::Type::nsec3param},
    {"TLSA", dns::Type{52}},     // RFC 6698
    {"CDS", dns::Type{59}},      // RFC 7344
    {"CDNSKEY", dns::Type{60}},  // RFC 7344
    {"SVCB", dns::Type::svcb},
    {"HTTPS", dns::Type::https},
    {"IXFR", dns::Type::ixfr},
    {"AXFR", dns::Type::axfr},
    {"ANY", dns::Type::any},
    {"CAA", dns::Type{257}},  // RFC 8659
};
inline constexpr std::size_t other_type = std::size(query_types);
inline constexpr std::size_t no_type = other_type + 1;  // no question, or none that can be read
inline constexpr std::size_t type_labels = no_type + 1;

namespace detail {
inline constexpr auto label_of_type = [] {
    std::array<std::uint8_t, 258> labels{};
    labels.fill(other_type);
    for (std::size_t i = 0; i < std::size(query_types); ++i)
        labels[static_cast<std::size_t>(query_types[i].type)] = static_cast<std::uint8_t>(i);
    return labels;
}();
}  // namespace detail

constexpr std::size_t label_of(dns::Type type) noexcept {
    const auto number = static_cast<std::size_t>(type);
    return number < detail::label_of_type.size() ? detail::label_of_type[number] : other_type;
}

// "AAAA"; "TYPE65280" of one that has no label (RFC 3597 §5).
inline std::string name_of_type(std::uint16_t type) {
    const std::size_t label = label_of(dns::Type{type});
    return label < std::size(query_types) ? std::string(query_types[label].name)
                                          : "TYPE" + std::to_string(type);
}

struct ResponseCode {
    std::string_view name;
    dns::Rcode rcode;
};
// All that there are here.
inline constexpr ResponseCode response_codes[] = {
    {"NOERROR", dns::Rcode::noerror},     {"FORMERR", dns::Rcode::formerr},
    {"SERVFAIL", dns::Rcode::servfail},   {"NXDOMAIN", dns::Rcode::nxdomain},
    {"NOTIMP", dns::Rcode::notimp},       {"REFUSED", dns::Rcode::refused},
    {"YXDOMAIN", dns::Rcode::yxdomain},   {"BADVERS", dns::Rcode::badvers},
    {"BADCOOKIE", dns::Rcode::badcookie},
};
inline constexpr std::size_t rcode_limit = 24;  // all numbers are below

enum class Family : std::uint8_t { ipv4, ipv6 };
inline constexpr std::string_view families[] = {"ipv4", "ipv6"};

// Why a message has no response.
enum class Unanswered : std::uint8_t {
    no_query,  // a response, or too short to be a message
    no_room,   // too many wait for services
    repeated,  // the same client has sent the same and waits
};
inline constexpr std::string_view unanswered_reasons[] = {"no_query", "no_room", "repeated"};

// What a query had for a DNS cookie (answer::ClientCookie).
inline constexpr std::string_view cookies[] = {"none", "new", "valid", "invalid", "malformed"};

// Responses that response rate limiting has an account for.
inline constexpr std::string_view limited_kinds[] = {"positive", "negative", "referral", "error"};
// How a client is asked to show its address.
enum class Challenge : std::uint8_t { tc, badcookie };
inline constexpr std::string_view challenges[] = {"tc", "badcookie"};

// Why a connection was closed at once.
enum class Refused : std::uint8_t { total, per_source };
inline constexpr std::string_view refusals[] = {"connections", "per_source"};

// -- What is counted

// By one thread: the main thread's are of TCP, a UDP worker's of UDP. On pages of its own, whose
// lines no other thread writes.
struct alignas(4096) DnsCounters {
    // Each query is in one of these three, by its type.
    Counter answered[type_labels][rcode_limit];  // at once; rcode of the response
    Counter parked[type_labels];                 // waits, or has waited, for its service
    Counter dropped[type_labels];                // has no response
    // Responses to those that have waited, and how long they have.
    Counter late[rcode_limit];
    Durations waited;

    Counter received[std::size(families)];  // messages, queries or not
    Counter unanswered[std::size(unanswered_reasons)];
    Counter received_bytes;  // DNS messages, without headers of lower layers
    Counter sent_bytes;
    Counter truncated;  // responses with TC
    Counter unsent;     // responses that the network did not take
    Counter edns;       // queries with an OPT record
    Counter dnssec_ok;  // of these, with DO
    Counter cookies[std::size(metrics::cookies)];
    // Responses that were limited: sent truncated or as BADCOOKIE, or not at all.
    Counter challenged[std::size(limited_kinds)];
    Counter limited[std::size(limited_kinds)];

    Counter unproved[std::size(challenges)];  // queries that woke nothing, for want of proof

    // Of names that are signed when they are asked for.
    Counter signatures_made;     // the main thread's
    Counter signatures_used;     // in responses
    Counter signatures_awaited;  // queries that had to wait for one
    Counter signatures_refused;  // queries for which none was made, as too many were wanted

    // TCP
    Counter opened;  // connections accepted, those taken over from another front left out
    Counter taken_over;
    Counter refused[std::size(refusals)];
    Counter evicted;  // idle, closed for others
};

inline constexpr std::size_t max_udp_workers = 64;

// What a front has now; the parent sets it to 0 when it has ended.
struct FrontGauges {
    Gauge tcp_sessions;
    Gauge tcp_parked;
    Gauge udp_parked[max_udp_workers];
};

struct FrontCounters {
    alignas(4096) FrontGauges now;
    DnsCounters tcp;
    DnsCounters udp[max_udp_workers];
};

// One thread's part of them; null: nothing is counted.
struct ThreadCounters {
    DnsCounters* dns = nullptr;
    Gauge* parked = nullptr;
    Gauge* sessions = nullptr;  // of TCP
};

}  // namespace summond::metrics
