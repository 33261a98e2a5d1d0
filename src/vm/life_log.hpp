// How a life's events are put into words.
#pragma once

#include <chrono>

#include "summond/base/clock.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

inline long long in_ms(base::Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
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

}  // namespace summond::vm
