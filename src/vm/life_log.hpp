// How a life's events are put into words.
#pragma once

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <numeric>
#include <string>
#include <utility>

#include "summond/base/clock.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

inline long long in_ms(base::Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

inline double exact_ms(base::Duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

inline const char* text(WakeReason why) {
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

// "wake 4: 3 dns, 1 packet", counted by reason.
inline std::string text(const std::array<unsigned, wake_reasons>& wakes) {
    std::string text = fmt::format("wake {}", std::accumulate(wakes.begin(), wakes.end(), 0U));
    const char* separator = ": ";
    for (std::size_t why = 0; why < wakes.size(); ++why) {
        if (wakes[why] > 0)
            text += fmt::format("{}{} {}", std::exchange(separator, ", "), wakes[why],
                                summond::vm::text(static_cast<WakeReason>(why)));
    }
    return text;
}

inline const char* text(Death how) {
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

inline const char* text(config::StandbyStage stage) {
    return stage == config::StandbyStage::booted ? "booted" : "built";
}

}  // namespace summond::vm
