// What wire is to know of a service's guest: a view of its status.
#pragma once

#include <cstdint>
#include <optional>

#include "summond/service/status.hpp"

namespace summond::wire {

// How its guest stands.
enum class GuestState : std::uint32_t {
    away,      // there is none
    kept,      // paused or saved: its connections live on in its memory
    refused,   // away, and not to be woken now: nothing is to wait for it
    starting,  // a wake is under way
    running,   // it is ready to take over
    waiting,   // away, but one that has booted and met nobody waits paused
};

struct Guest {
    GuestState state = GuestState::away;
    // Of one that is up, or waits: once its interface is there. Of one that is kept, none: it hears
    // nothing.
    std::optional<service::DomId> domain{};
    friend bool operator==(const Guest&, const Guest&) = default;
};

Guest guest_of(const service::Status& status);

}  // namespace summond::wire
