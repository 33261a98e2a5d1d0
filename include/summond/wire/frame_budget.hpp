// How many frames wire takes: a flood takes a bounded part of one processor, and the rest is left
// to the taps' queues, which overflow at no cost.
#pragma once

#include <algorithm>
#include <chrono>

#include "summond/base/clock.hpp"

namespace summond::wire {

class FrameBudget {
  public:
    static constexpr double frames_per_second = 20'000;
    static constexpr double burst = 2'000;

    explicit FrameBudget(const base::Clock& clock) : clock_(clock), since_(clock.now()) {}

    // For one frame. False: not now.
    bool take() {
        const auto now = clock_.now();
        left_ = std::min(
            burst, left_ + frames_per_second * std::chrono::duration<double>(now - since_).count());
        since_ = now;
        if (left_ < 1)
            return false;
        left_ -= 1;
        return true;
    }

  private:
    const base::Clock& clock_;
    base::TimePoint since_;
    double left_ = burst;
};

}  // namespace summond::wire
