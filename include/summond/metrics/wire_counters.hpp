// What wire counts, in memory of the same kind as a front's (front_counters.hpp).
#pragma once

#include "summond/metrics/counter.hpp"

namespace summond::metrics {

// All of it is a gauge: the parent sets it to 0 when a wire has ended.
struct alignas(4096) WireCounters {
    Gauge held;  // packets that wait for guests, of all services together
};

}  // namespace summond::metrics
