// What services may take of the host, and of everybody who looks at packets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace summond::service {

// Of a service that packets wake: each is compared with all of them.
inline constexpr std::size_t max_addresses = 32;
inline constexpr std::size_t max_ports = 64;
// In wake_from, idle_ignore and their like.
inline constexpr std::size_t max_prefixes = 32;
// Of all services with an instance for each id: how many may be up, on their way, or backing off.
inline constexpr std::uint32_t max_instances = 2048;

// What all services' domains together may take of the host.
struct Limits {
    std::optional<std::uint64_t> memory_kib;          // standby copies included
    std::optional<std::uint32_t> domains;             // likewise
    std::optional<std::uint64_t> standby_memory_kib;  // of the standby copies
    // What dom0 keeps where its memory is given to domains.
    std::uint64_t dom0_memory_kib = 1024 * 1024;
    bool evict = false;                     // put idle domains away for those that wake
    std::chrono::milliseconds queue{9000};  // how long a wake waits for room
    // So many wakes that are under way, or have just failed, are pressure; none: nothing is.
    std::optional<std::uint32_t> pressure{64};
};

}  // namespace summond::service
