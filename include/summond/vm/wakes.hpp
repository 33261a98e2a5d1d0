// How often a service has been woken, why, and how long those waited for whom it was.
#pragma once

#include <array>
#include <cstdint>

#include "summond/base/clock.hpp"

namespace summond::vm {

enum class WakeReason : std::uint8_t { dns, packet, restart };

constexpr const char* text(WakeReason why) {
    switch (why) {
        case WakeReason::dns:
            return "dns";
        case WakeReason::packet:
            return "packet";
        case WakeReason::restart:
            return "restart";
    }
    return "?";
}

struct Wakes {
    struct Count {
        std::uint64_t wakes = 0;
        base::Duration waited{};  // all of them together, from the query or packet to ready

        void add(base::Duration wait) {
            ++wakes;
            waited += wait;
        }
    };

    std::array<Count, 3> by_reason{};  // by WakeReason
    Count from_standby{};              // of all those, the ones that a copy was there for

    Count& of(WakeReason why) { return by_reason[static_cast<std::size_t>(why)]; }
};

}  // namespace summond::vm
