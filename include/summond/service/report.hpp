// What people want to know of a service, beside how it stands: one struct, told whole to whoever
// shows it at each change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "summond/base/clock.hpp"
#include "summond/service/status.hpp"
#include "summond/service/wake.hpp"

namespace summond::service {

// Where its domain is in its life: finer than Phase, which is what clients meet.
enum class Stage : std::uint8_t {
    absent,
    queued,  // waits for room
    building,
    booting,
    ready,
    paused,
    saving,
    resuming,
    suspended,  // by somebody else
    shutting_down,
    destroying,
    last = destroying,
};

constexpr const char* to_string(Stage stage) {
    switch (stage) {
        case Stage::absent:
            return "absent";
        case Stage::queued:
            return "queued";
        case Stage::building:
            return "building";
        case Stage::booting:
            return "booting";
        case Stage::ready:
            return "ready";
        case Stage::paused:
            return "paused";
        case Stage::saving:
            return "saving";
        case Stage::resuming:
            return "resuming";
        case Stage::suspended:
            return "suspended";
        case Stage::shutting_down:
            return "shutting down";
        case Stage::destroying:
            return "destroying";
    }
    return "?";
}

struct Report {
    Status status;
    Stage stage = Stage::absent;
    bool saved = false;               // absent: its guest is in a file
    base::TimePoint since{};          // that stage
    std::uint64_t memory_kib = 0;     // what its domain takes of the host
    std::uint32_t standby = 0;        // copies that wait or are being made
    std::uint64_t standby_kib = 0;    // what they take
    std::uint64_t wakes = 0;          // that were done since vmm's start
    std::optional<WakeReason> why{};  // the last wake, or the one under way
    // ready: put away then, unless somebody uses it before.
    std::optional<base::TimePoint> idle_at{};
    bool pinned = false;                            // not put away
    std::optional<base::TimePoint> pinned_until{};  // none: until it is unpinned

    friend bool operator==(const Report&, const Report&) = default;
};

// Built domains that are no service's yet (shell.hpp), of all kinds.
struct Shells {
    std::uint32_t wanted = 0;
    std::uint32_t there = 0;  // that wait or are being made
    std::uint64_t kib = 0;    // what they take of the host
    friend bool operator==(const Shells&, const Shells&) = default;
};

// IPv4 addresses of pools.
struct Pools {
    std::uint32_t addresses = 0;
    std::uint32_t leased = 0;  // or not free again yet
    friend bool operator==(const Pools&, const Pools&) = default;
};

}  // namespace summond::service
