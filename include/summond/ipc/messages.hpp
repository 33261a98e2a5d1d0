// Every message between the four processes. Fixed layout, host byte order (same machine, same
// binary), one message a SOCK_SEQPACKET datagram; a datagram of any other length than its type's
// is a protocol violation and the receiver closes the channel.
//
//   front  -> vmm     Wake, Touch             vmm treats front as hostile
//   vmm    -> front   State
//   vmm    -> wire    Tap, Tenant, Forget, Attach, Stand, Ready
//   wire   -> vmm     Arrived, HandedOver, Grown   vmm treats wire as hostile, too
//   parent -> front   Peer, Opened, Drain
//   parent -> vmm     Peer, Reload, Retire, Stop
//   parent -> wire    Peer
//   front, vmm, wire -> parent   Ready
//   front -> parent -> front     Connection
#pragma once

#include <cstdint>
#include <type_traits>

#include "summond/service/limits.hpp"

namespace summond::ipc {

enum class Type : std::uint32_t {
    wake = 1,
    touch,
    state,
    peer,
    drain,
    reload,
    stop,
    ready,
    tap,
    tenant,
    forget,
    attach,
    stand,
    arrived,
    handed_over,
    retire,
    grown,
    connection,
    opened,
};

// A service is named by service::Id. Unknown ids are ignored.

struct Address {
    std::uint8_t size;  // 4 or 16
    std::uint8_t bytes[16];
};

// A client asks for the address of a service that is not up: start it.
struct Wake {
    static constexpr Type type = Type::wake;
    std::uint64_t service;
    std::int64_t asked_ns;  // when, of CLOCK_MONOTONIC
    Address from;
};

// Addresses of these services were given out since the last Touch; the TTL of such an answer keeps
// the domain. Sent at most once a second for each service.
struct Touch {
    static constexpr Type type = Type::touch;
    static constexpr std::uint32_t capacity = 62;
    std::uint32_t count;  // 1 to capacity
    std::uint32_t reserved;
    std::uint64_t services[capacity];
};

// What vmm knows of one service. Sent for all services when a front connects, then at every change.
enum class Phase : std::uint32_t {
    asleep,    // absent, paused or being put away: a Wake is needed
    building,  // a wake is under way and may yet fail for want of memory or a good kernel
    booting,   // the domain is there, is about to run or runs; not ready yet
    ready,
    failed,   // the wake failed; further wakes are refused for retry_after_ms
    waiting,  // asleep, but a Wake takes no time: a domain that has booted waits paused
};

struct State {
    static constexpr Type type = Type::state;
    std::uint64_t service;
    Phase phase;
    std::uint32_t failure;         // service::WakeFailure; none unless failed
    std::uint32_t retry_after_ms;  // failed only
    std::uint32_t woken_ms_ago;    // building, booting: since this wake began
};

// Carries one descriptor: a new channel to the other side (front and wire get vmm's, vmm gets
// front's or wire's).
struct Peer {
    static constexpr Type type = Type::peer;
    enum class Side : std::uint32_t { front, wire };
    Side side;  // front's or wire's end is at the other end; of no meaning to those two
};

// front: answer what has been received, take no new queries, end when the last client is served.
struct Drain {
    static constexpr Type type = Type::drain;
    std::uint32_t replaced;  // 1: another front serves, and takes over connections
};

// front: all its sockets are bound and listen now.
struct Opened {
    static constexpr Type type = Type::opened;
    std::uint32_t reserved;
};

// Carries one descriptor: a client's TCP connection on which nothing is under way, from a front
// that drains to the one that serves.
struct Connection {
    static constexpr Type type = Type::connection;
    std::uint32_t reserved;
};

// Carries one descriptor: a sealed memfd with the text of the new, already checked configuration.
struct Reload {
    static constexpr Type type = Type::reload;
    std::uint32_t reserved;
};

// vmm: the front that serves has the configuration of the last Reload; services that it does not
// name are gone.
struct Retire {
    static constexpr Type type = Type::retire;
    std::uint32_t reserved;
};

// vmm: put away what `on_exit: destroy` says, leave the rest running, end.
struct Stop {
    static constexpr Type type = Type::stop;
    std::uint32_t reserved;
};

// front: isolated and serving. vmm: connected to Xen and existing domains adopted; to wire: it has
// been told of all services. wire: isolated, and stands in for them.
struct Ready {
    static constexpr Type type = Type::ready;
    std::uint32_t reserved;
};

// Carries one descriptor: a tap that is a port of a bridge.
struct Tap {
    static constexpr Type type = Type::tap;
    std::uint32_t number;  // below capacity; of one that is there, in its place
    static constexpr std::uint32_t capacity = 64;
};

// A service whose packets wire looks after (wire::Tenant). One that is there keeps its standing.
struct Tenant {
    static constexpr Type type = Type::tenant;
    struct Port {
        std::uint16_t number;
        std::uint8_t protocol;  // service::Protocol
        std::uint8_t reserved;
    };
    struct Prefix {
        Address address;
        std::uint8_t length;
    };
    std::uint64_t service;
    std::uint32_t tap;
    std::uint16_t ports;
    std::uint8_t addresses;
    std::uint8_t prefixes;
    std::uint8_t mac[6];
    std::uint8_t reserved[2];
    std::uint32_t youth_ms;  // wire::Tenant::youth
    Port port[service::max_ports];
    Address address[service::max_addresses];
    Prefix prefix[service::max_prefixes];
};

struct Forget {
    static constexpr Type type = Type::forget;
    std::uint64_t service;
};

// Carries one descriptor: a packet socket on the interface of the service's guest.
struct Attach {
    static constexpr Type type = Type::attach;
    std::uint64_t service;
};

struct Stand {
    static constexpr Type type = Type::stand;
    std::uint64_t service;
    std::uint32_t standing;  // wire::Standing
    std::uint32_t turn;      // returned by HandedOver, which says which Stand it answers
};

// Somebody waits for a service that is away: start it.
struct Arrived {
    static constexpr Type type = Type::arrived;
    std::uint64_t service;
    Address from;
    std::uint8_t protocol;  // of IP (IANA), 0: another
    std::uint16_t port;     // 0 where the protocol has none
};

// The answer to a Stand that says `running`: the guest has what was held for it.
struct HandedOver {
    static constexpr Type type = Type::handed_over;
    std::uint64_t service;
    std::uint32_t turn;
    std::uint32_t packets;
    std::uint32_t repeats;
    std::uint32_t dropped;
    std::uint32_t waited_ms;  // the first of them
    std::uint32_t young;      // 1: the guest may still refuse some, and Grown follows
    Address from;             // whose that was; size 0: none was held
};

// After a HandedOver that says `young`: the guest has taken, or may refuse, all that was held.
struct Grown {
    static constexpr Type type = Type::grown;
    std::uint64_t service;
    std::uint32_t turn;  // as in HandedOver
};

}  // namespace summond::ipc
