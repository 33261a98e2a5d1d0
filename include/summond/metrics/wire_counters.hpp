// What wire counts, in memory of the same kind as a front's (front_counters.hpp).
#pragma once

#include <cstdint>
#include <iterator>
#include <string_view>

#include "summond/metrics/counter.hpp"

namespace summond::metrics {

// Packets that woke nothing, since their senders had not shown their addresses.
enum class UnprovedPacket : std::uint8_t { syn, datagram, segment };
inline constexpr std::string_view unproved_packets[] = {"syn", "datagram", "segment"};

// What wire has now; the parent sets it to 0 when it has ended.
struct WireGauges {
    Gauge held;  // packets that wait for guests, of all services together
};

struct alignas(4096) WireCounters {
    WireGauges now;
    Counter unproved[std::size(unproved_packets)];
    Counter proved;  // senders of such SYNs that have shown their addresses
};

}  // namespace summond::metrics
