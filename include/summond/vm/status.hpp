// How a service stands, as far as others than its lifecycle may know it.
#pragma once

#include <cstdint>

#include "summond/base/clock.hpp"
#include "summond/service/wake.hpp"

namespace summond::vm {

// What a front may know of a service.
enum class Phase : std::uint8_t {
    asleep,    // absent, paused or being put away
    building,  // a wake is under way and may yet fail for want of memory or a good kernel
    booting,   // the domain is there, is about to run or runs; not ready yet
    ready,
    failed,  // the last wake failed; wakes are refused for retry_after
};

struct Status {
    Phase phase = Phase::asleep;
    bool waits = false;  // asleep only: in a domain that has booted, so that a wake takes no time
    service::WakeFailure failure = service::WakeFailure::none;  // failed only
    base::Duration retry_after{};                               // failed only
    base::Duration since_wake{};                                // building, booting
};

}  // namespace summond::vm
