// How what happens to domains is put into words.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::vm {

inline long long in_ms(base::Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

inline double exact_ms(base::Duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

// "wake 4: 3 dns, 1 packet; 2 from standby".
inline std::string to_string(const Wakes& wakes) {
    std::uint64_t sum = 0;
    std::string reasons;
    for (std::size_t why = 0; why < wakes.by_reason.size(); ++why) {
        const auto count = wakes.by_reason[why].wakes;
        if (count == 0)
            continue;
        sum += count;
        reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count,
                               to_string(static_cast<service::WakeReason>(why)));
    }
    if (wakes.from_standby.wakes > 0)
        reasons += fmt::format("; {} from standby", wakes.from_standby.wakes);
    return fmt::format("wake {}: {}", sum, reasons);
}

inline const char* to_string(Death how) {
    switch (how) {
        case Death::poweroff:
            return "powered off";
        case Death::reboot:
            return "asked for a reboot";
        case Death::suspend:
            return "suspended itself";
        case Death::crash:
            return "crashed";
        case Death::watchdog:
            return "was ended by its watchdog";
        case Death::gone:
            return "was destroyed by somebody else";
    }
    return "died";
}

inline const char* to_string(service::StandbyStage stage) {
    return stage == service::StandbyStage::booted ? "booted" : "built";
}

}  // namespace summond::vm
