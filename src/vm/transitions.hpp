// The life of a domain: all changes of its Lifecycle's stage that there are. docs/design/domains.md
// has the same table in words, and scripts/check-docs compares the two.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "summond/service/report.hpp"

namespace summond::vm {

using At = service::Stage;  // as the alternatives of Lifecycle::Stage
struct Transition {
    At from;
    std::string_view when;
    At to;
};
inline constexpr auto transitions = std::to_array<Transition>({
    {At::absent, "a wake, or a restart is due", At::queued},
    {At::absent, "found running", At::booting},
    {At::absent, "found paused", At::paused},
    {At::absent, "found suspended by us", At::resuming},
    {At::absent, "found suspended by somebody else", At::suspended},
    {At::absent, "found otherwise", At::destroying},

    {At::queued, "a standby domain has booted", At::ready},
    {At::queued, "a standby domain is built", At::booting},
    {At::queued, "a standby domain cannot be woken", At::destroying},
    {At::queued, "there is room", At::building},
    {At::queued, "no room in time, or not wanted any more", At::absent},

    {At::building, "built, or restored", At::booting},
    {At::building, "built, but not wanted any more or cannot be started", At::destroying},
    {At::building, "its file is broken, or some memory is on its way", At::queued},
    {At::building, "failed", At::absent},

    {At::booting, "its guest is ready", At::ready},
    {At::booting, "not ready in time, ended, or not wanted any more", At::destroying},
    {At::booting, "suspended by somebody else", At::suspended},
    {At::booting, "gone or preserved", At::absent},
    {At::booting, "preserved, and to be restarted", At::queued},

    {At::ready, "idle: action pause", At::paused},
    {At::ready, "idle: action suspend", At::saving},
    {At::ready, "idle: action shutdown", At::shutting_down},
    {At::ready, "idle: action destroy; ended; evicted; not wanted any more", At::destroying},
    {At::ready, "suspended by somebody else", At::suspended},
    {At::ready, "gone or preserved", At::absent},
    {At::ready, "preserved, and to be restarted", At::queued},

    {At::paused, "a wake", At::ready},
    {At::paused, "cannot be unpaused; ended; evicted; not wanted any more", At::destroying},
    {At::paused, "suspended by somebody else", At::suspended},
    {At::paused, "gone or preserved", At::absent},
    {At::paused, "preserved, and to be restarted", At::queued},

    {At::saving, "saved, or not wanted any more", At::destroying},
    {At::saving, "saved, but a wake has come", At::resuming},
    {At::saving, "failed, or stopped by a wake", At::ready},

    {At::resuming, "runs", At::ready},
    {At::resuming, "cannot be resumed, or not wanted any more", At::destroying},

    {At::suspended, "runs again", At::ready},
    {At::suspended, "runs again, and was booting", At::booting},
    {At::suspended, "runs again, and not wanted any more", At::destroying},
    {At::suspended, "gone", At::absent},
    {At::suspended, "gone, and a wake has come", At::queued},

    {At::shutting_down, "ended, not in time, or not wanted any more", At::destroying},
    {At::shutting_down, "suspended by somebody else", At::suspended},
    {At::shutting_down, "gone", At::absent},
    {At::shutting_down, "gone, and a wake has come", At::queued},

    {At::destroying, "nothing is left", At::absent},
    {At::destroying, "nothing is left, and a wake has come", At::queued},
});

constexpr bool is_transition(std::size_t from, std::size_t to) {
    return std::ranges::any_of(transitions, [&](const Transition& each) {
        return static_cast<std::size_t>(each.from) == from &&
               static_cast<std::size_t>(each.to) == to;
    });
}

}  // namespace summond::vm
