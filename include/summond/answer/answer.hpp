// The query engine: bytes in, decision out. No I/O, no clock, no heap allocation.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "summond/answer/statement.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/dns/message.hpp"
#include "summond/service/wake.hpp"
#include "summond/zone/zone.hpp"

namespace summond::answer {

// May a query for this service's address be answered now? net keeps it up to date from what vmm
// says and from the service's `answer:` setting.
enum class Availability : std::uint8_t {
    asleep,      // park the query and ask for a wake
    starting,    // park the query; the wake is under way
    answerable,  // answer
    failed,      // SERVFAIL with the Extended DNS Error for its failure, until net says otherwise
    waiting,     // answer, and ask for a wake: it takes no time
};

// Whose queries wake a service and keep it, where not everybody's do. The others are answered all
// the same: their packets may wake it.
struct Wakers {
    std::vector<base::IpPrefix> networks;  // empty: nobody's
    // client: the octets of an address.
    bool contains(std::span<const std::uint8_t> client) const noexcept;
};

// A service with several domains, each of which is a service in the table.
struct Replicas {
    struct One {
        std::uint32_t service = 0;
        std::optional<base::IpAddress> ipv4;
        std::optional<base::IpAddress> ipv6;
    };
    std::vector<One> all;       // service::max_replicas at most
    std::uint32_t answers = 0;  // addresses of a family in an answer, at most
};

// Of a replica that others suffice without, as its load.
inline constexpr std::uint32_t spare_replica = 0xffffffff;

// One a service, in the order of the zone image's service table. Read by every UDP worker and by
// the TCP thread, written by the front's main thread.
struct ServiceState {
    std::atomic<Availability> availability{Availability::asleep};
    std::atomic<service::WakeFailure> failure{service::WakeFailure::none};
    // An address of this service has been given out since the main thread last cleared it. Written
    // (relaxed) only when false, to keep the cache line shared on the warm path.
    std::atomic<bool> asked{false};
    // None: everybody's. Set before there are queries; looked at only where one would wake or mark.
    const Wakers* wakers = nullptr;
    // Set at the start: packets to it wake it and are held until it is ready (`wake: packet`).
    bool holds_packets = false;
    // Set at the start: only clients that have shown their address wake it (`wake_by: proof`).
    bool by_proof = false;
    // Set at the start. Of the service whose names it is about; null: it is one domain.
    const Replicas* replicas = nullptr;
    // Of one of several: packets to it in a second, or spare_replica.
    std::atomic<std::uint32_t> load{0};
};

enum class Transport : std::uint8_t { udp, tcp };

// Of DNS Cookies (RFC 9018 §4.4).
using CookieSecret = std::array<std::uint8_t, 16>;

// What the configuration says of answers, the same for all workers.
struct Settings {
    // Of class CHAOS (RFC 4892); empty: REFUSED.
    std::string version;   // version.bind and version.server; at most 255 octets
    std::string identity;  // hostname.bind and id.server, NSID (RFC 5001); at most max_identity
    std::optional<CookieSecret> cookie_secret;  // none: the COOKIE option is not known
};

// Leaves room for the question and every other option in an answer of 512 octets.
inline constexpr std::size_t max_identity = 100;

inline const Settings default_settings;

class Rules;
class Signatures;

struct Context {
    const zone::Zones& zones;
    std::span<ServiceState> services;  // zones.service_count(), and the places of rules
    Transport transport = Transport::udp;
    const Settings& settings = default_settings;
    // For cookies, of each query. Without an address there are none.
    std::span<const std::uint8_t> client{};  // its address, 4 or 16 octets
    std::uint32_t now = 0;                   // Unix time, seconds
    // TCP: how long the connection may be idle, in units of 100 ms (RFC 7828 §3.1); 0: the client
    // is to close it now.
    std::uint16_t idle_timeout = 0;
    // The query has been parked for as long as it may. Where packets are held for the service, it
    // is answered with the address all the same.
    bool overdue = false;
    // Names that there are by rule; null: none.
    Rules* rules = nullptr;
    // Those that are made when asked for; null: there is no zone with such.
    Signatures* signatures = nullptr;
    // What is to be signed, where a decision says so.
    Statement wanted{};
    // While it is true, `by_proof` holds for all services; null: never. Looked at only where a
    // query would wake one.
    const std::atomic<bool>* pressure = nullptr;
};

// What a query had for a DNS cookie (RFC 7873).
enum class ClientCookie : std::uint8_t {
    none,       // nothing, or cookies are not known here
    unknown,    // no server cookie: the client has none yet
    known,      // one that we have given to this address: the address is not forged
    wrong,      // another one, or one that is over an hour old
    malformed,  // FORMERR
    last = malformed,
};

struct Decision {
    enum class Kind : std::uint8_t {
        answer,  // send out[0, size)
        park,    // keep the query bytes and resolve them again when the service's state changes
        sign,    // keep the query bytes and resolve them again when context.wanted is signed
        drop,    // say nothing
        pass,    // it is for the role transfer, which has the keys
    };
    Kind kind = Kind::drop;
    ClientCookie cookie = ClientCookie::none;
    bool wakes = false;         // answer only: a wake is to be asked for
    std::uint8_t rcode = 0;     // answer only: dns::Rcode
    std::uint32_t size = 0;     // answer only
    std::uint32_t service = 0;  // park, and where it wakes: index into the service table
    bool signs = false;         // answer, park: context.wanted is to be signed for others
    std::uint8_t stated = 0;    // answer only: signatures in it that were made when asked for
    // answer only: it would have woken a service for which the client has to show its address
    // first, and this is a challenge (see below) instead.
    bool unproved = false;

    bool known_client() const { return cookie == ClientCookie::known; }
};

// The largest answer over UDP (RFC 9715 and the flag day's 1232); what a client without EDNS
// takes is 512 (RFC 1035 §4.2.1).
inline constexpr std::size_t max_udp_answer = 1232;
inline constexpr std::size_t max_tcp_answer = 65535;

// Resolves one message as received (without TCP's length field). out: at least max_udp_answer
// octets for UDP, max_tcp_answer for TCP. Thread-safe: touches only out and the service states.
Decision resolve(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                 Context& context) noexcept;

// The same in steps, for several queries at a time: read all, prefetch all, then resolve all. What
// each of them needs from memory comes while the others are worked on.
struct ReadQuery {
    dns::Query query;  // refers to the bytes that were read
    dns::Parsed parsed;
    std::uint64_t hash;  // of the name, if there is one
};
void read(std::span<const std::uint8_t> bytes, ReadQuery& query, const zone::Zones& zones) noexcept;
void prefetch(const ReadQuery& query, const zone::Zones& zones) noexcept;
Decision resolve(const ReadQuery& query, std::span<std::uint8_t> out, Context& context) noexcept;

// SERVFAIL with an Extended DNS Error for a query that resolve parked and that nothing can wait
// for any longer. Returns the size of the answer in out.
std::uint32_t servfail(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                       service::WakeFailure why, const Context& context) noexcept;

// The same for a query that nothing can be signed for now.
std::uint32_t not_signed(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                         const Context& context) noexcept;

// Instead of an answer over UDP, for a client that is to show first that its address is not forged:
// where it sent a cookie, BADCOOKIE with the right one (RFC 7873 §5.2.3), else a truncated answer
// without records, which sends it to TCP. At most 16 octets longer than the query. Returns the size
// of the answer in out; 0: nothing is worth saying to such a message.
std::uint32_t challenge(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                        const Context& context) noexcept;

}  // namespace summond::answer
