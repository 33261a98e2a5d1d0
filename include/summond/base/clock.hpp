// Time, injected so that tests decide what time it is.
#pragma once

#include <chrono>

namespace summond::base {

// Monotonic; does not jump when the host's wall clock is set.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clock {
  public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;
};

class SteadyClock final : public Clock {
  public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace summond::base
