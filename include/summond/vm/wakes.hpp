// How often a service has been woken, why, and how long those waited for whom it was.
#pragma once

#include <array>
#include <cstdint>

#include "summond/base/clock.hpp"
#include "summond/service/wake.hpp"

namespace summond::vm {

struct Wakes {
    struct Count {
        std::uint64_t wakes = 0;
        base::Duration waited{};  // all of them together, from the query or packet to ready

        void add(base::Duration wait) {
            ++wakes;
            waited += wait;
        }
    };

    std::array<Count, service::wake_reasons> by_reason{};  // by service::WakeReason
    Count from_standby{};  // of all those, the ones that a copy was there for

    Count& of(service::WakeReason why) { return by_reason[static_cast<std::size_t>(why)]; }
};

}  // namespace summond::vm
