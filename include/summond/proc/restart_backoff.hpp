// When to start a child again that has ended unasked.
#pragma once

#include <chrono>

#include "summond/base/clock.hpp"

namespace summond::proc {

// At once after a first failure, then after 100 ms, doubling up to max_delay while the child keeps
// dying young. A child that lived for `healthy` wipes the slate.
class RestartBackoff {
  public:
    static constexpr std::chrono::milliseconds first_delay{100};
    static constexpr std::chrono::milliseconds max_delay{5000};
    static constexpr std::chrono::seconds healthy{10};

    // How long to wait, now that a child started at `started` has ended at `ended`.
    std::chrono::milliseconds ended(base::TimePoint started, base::TimePoint ended);

  private:
    std::chrono::milliseconds next_{0};
};

}  // namespace summond::proc
