// Every message between the three processes. Fixed layout, host byte order (same machine, same
// binary), one message a SOCK_SEQPACKET datagram; a datagram of any other length than its type's
// is a protocol violation and the receiver closes the channel.
//
//   front  -> vmm     Wake, Touch             vmm treats front as hostile
//   vmm    -> front   State
//   parent -> front   Peer, Drain
//   parent -> vmm     Peer, Reload, Stop
//   front, vmm -> parent   Ready
#pragma once

#include <cstdint>
#include <type_traits>

namespace summond::ipc {

enum class Type : std::uint32_t { wake = 1, touch, state, peer, drain, reload, stop, ready };

// A service is named by config::ServiceId. Unknown ids are ignored.

// A client asks for the address of a service that is not up: start it.
struct Wake {
    static constexpr Type type = Type::wake;
    std::uint64_t service;
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
    failed,  // the wake failed; further wakes are refused for retry_after_ms
};

struct State {
    static constexpr Type type = Type::state;
    std::uint64_t service;
    Phase phase;
    std::uint32_t failure;         // base::WakeFailure; none unless failed
    std::uint32_t retry_after_ms;  // failed only
    std::uint32_t woken_ms_ago;    // building, booting: since this wake began
};

// Carries one descriptor: a new channel to the other side (front gets vmm's, vmm gets front's).
struct Peer {
    static constexpr Type type = Type::peer;
    std::uint32_t reserved;
};

// front: answer what has been received, take no new queries, end when the last client is served.
struct Drain {
    static constexpr Type type = Type::drain;
    std::uint32_t reserved;
};

// Carries one descriptor: a sealed memfd with the text of the new, already checked configuration.
struct Reload {
    static constexpr Type type = Type::reload;
    std::uint32_t reserved;
};

// vmm: put away what `on_exit: destroy` says, leave the rest running, end.
struct Stop {
    static constexpr Type type = Type::stop;
    std::uint32_t reserved;
};

// front: isolated and serving. vmm: connected to Xen and existing domains adopted.
struct Ready {
    static constexpr Type type = Type::ready;
    std::uint32_t reserved;
};

}  // namespace summond::ipc
