#include "summond/metrics/front_totals.hpp"

#include <cstddef>
#include <type_traits>

namespace summond::metrics {

void add(DnsCounters& sum, const DnsCounters& part) noexcept {
    // All that is in it are counters, up to the padding, which is zero.
    static_assert(std::is_standard_layout_v<DnsCounters>);
    constexpr std::size_t count = sizeof(DnsCounters) / sizeof(Counter);
    auto* const to = reinterpret_cast<Counter*>(&sum);
    const auto* const from = reinterpret_cast<const Counter*>(&part);
    for (std::size_t i = 0; i < count; ++i)
        to[i].add(from[i].get());
}

void FrontTotals::add(const FrontCounters& front) noexcept {
    metrics::add(tcp, front.tcp);
    for (const DnsCounters& worker : front.udp)
        metrics::add(udp, worker);
    for (const Gauge& parked : front.now.udp_parked)
        udp_parked += parked.get();
    tcp_parked += front.now.tcp_parked.get();
    tcp_sessions += front.now.tcp_sessions.get();
}

}  // namespace summond::metrics
