// How a life's events are put into words.
#pragma once

#include <chrono>

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
