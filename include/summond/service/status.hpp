// How a service stands: one struct, published whole by whoever runs its domain at each change. What
// fronts and wire make of it are pure functions of it (ipc/state.hpp, wire/guest_state.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/wake.hpp"

namespace summond::service {

using DomId = std::uint32_t;  // domid_t, xen/xen.h

enum class Phase : std::uint8_t {
    asleep,    // absent, paused or being put away: a wake is needed
    building,  // a wake is under way and may yet fail for want of memory or a good kernel
    booting,   // the domain is there, is about to run or runs; not ready yet
    ready,
    failed,  // the last wake failed, or nothing is to wake it; wakes are refused
    last = failed,
};

constexpr const char* to_string(Phase phase) {
    switch (phase) {
        case Phase::asleep:
            return "asleep";
        case Phase::building:
            return "building";
        case Phase::booting:
            return "booting";
        case Phase::ready:
            return "ready";
        case Phase::failed:
            return "failed";
    }
    return "?";
}

struct Status {
    Id service = 0;
    Phase phase = Phase::asleep;
    // failed: why, and until when wakes are refused; none: for good.
    WakeFailure failure = WakeFailure::none;
    std::optional<base::TimePoint> retry_at{};
    // building, booting: since when somebody waits.
    base::TimePoint woken_at{};
    // Its domain, once all its devices are there and until it is put away.
    std::optional<DomId> domid{};
    // Leased to it, and its lease kept, so that it may be given out; none: not so, or not leased.
    std::optional<base::IpAddress> ipv4{};

    // asleep:
    bool at_once = false;    // a wake takes no time: its domain is paused, or a copy has booted
    bool remembers = false;  // its guest will go on where it was, with the connections that it had
    std::optional<DomId> standby{};  // the booted standby copy that a wake takes

    friend bool operator==(const Status&, const Status&) = default;
};

// Of a service that is not configured, or not any more.
constexpr Status unknown(Id service) {
    return {.service = service, .phase = Phase::failed, .failure = WakeFailure::refused};
}

}  // namespace summond::service
