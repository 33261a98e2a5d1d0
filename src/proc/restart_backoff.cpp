#include "summond/proc/restart_backoff.hpp"

#include <algorithm>

namespace summond::proc {

std::chrono::milliseconds RestartBackoff::ended(base::TimePoint started, base::TimePoint ended) {
    if (ended - started >= healthy)
        next_ = std::chrono::milliseconds(0);
    const auto delay = next_;
    next_ = std::clamp(next_ * 2, first_delay, max_delay);
    return delay;
}

}  // namespace summond::proc
