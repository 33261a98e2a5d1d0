// Why a service is woken, and why it cannot be had.
#pragma once

#include <cstddef>
#include <cstdint>

namespace summond::service {

enum class WakeReason : std::uint8_t {
    dns,
    packet,
    restart,   // its domain has ended, and is wanted again by itself
    command,   // somebody's, over the control socket
    schedule,  // `keep:`, `min:`
    load,      // of its service's replicas that are up
    last = load,
};
inline constexpr std::size_t wake_reasons = static_cast<std::size_t>(WakeReason::last) + 1;

constexpr const char* to_string(WakeReason why) {
    switch (why) {
        case WakeReason::dns:
            return "dns";
        case WakeReason::packet:
            return "packet";
        case WakeReason::restart:
            return "restart";
        case WakeReason::command:
            return "command";
        case WakeReason::schedule:
            return "schedule";
        case WakeReason::load:
            return "load";
    }
    return "?";
}

// Broad on purpose: it reaches strangers in the EXTRA-TEXT of an Extended DNS Error (RFC 8914); the
// details are in the log.
enum class WakeFailure : std::uint8_t {
    none,
    start_failed,
    no_memory,     // of the host
    memory_limit,  // `limits: {memory}`
    domain_limit,  // `limits: {domains}`
    no_kernel,
    not_ready,      // did not become ready in its time
    crashed,        // while booting
    refused,        // back-off
    no_controller,  // the process that starts domains does not answer
    powered_off,    // while booting
    rebooted,       // likewise
    destroyed,      // likewise, by somebody else
    keeps_ending,   // soon after each start
    drained,        // somebody wants no new wakes on this host
    no_address,     // all of its service's pool are leased
    last = no_address,
};

constexpr const char* to_string(WakeFailure why) {
    switch (why) {
        case WakeFailure::none:
            return "none";
        case WakeFailure::start_failed:
            return "start_failed";
        case WakeFailure::no_memory:
            return "no_memory";
        case WakeFailure::memory_limit:
            return "memory_limit";
        case WakeFailure::domain_limit:
            return "domain_limit";
        case WakeFailure::no_kernel:
            return "no_kernel";
        case WakeFailure::not_ready:
            return "not_ready";
        case WakeFailure::crashed:
            return "crashed";
        case WakeFailure::refused:
            return "refused";
        case WakeFailure::no_controller:
            return "no_controller";
        case WakeFailure::powered_off:
            return "powered_off";
        case WakeFailure::rebooted:
            return "rebooted";
        case WakeFailure::destroyed:
            return "destroyed";
        case WakeFailure::keeps_ending:
            return "keeps_ending";
        case WakeFailure::drained:
            return "drained";
        case WakeFailure::no_address:
            return "no_address";
    }
    return "?";
}

}  // namespace summond::service
