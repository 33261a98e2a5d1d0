// The sums over what all fronts of a daemon have counted.
#pragma once

#include <cstdint>

#include "summond/metrics/front_counters.hpp"

namespace summond::metrics {

// Adds each counter of `part` to that of `sum`.
void add(DnsCounters& sum, const DnsCounters& part) noexcept;

struct FrontTotals {
    DnsCounters udp{};
    DnsCounters tcp{};
    std::uint64_t udp_parked = 0;
    std::uint64_t tcp_parked = 0;
    std::uint64_t tcp_sessions = 0;

    void add(const FrontCounters& front) noexcept;
};

}  // namespace summond::metrics
