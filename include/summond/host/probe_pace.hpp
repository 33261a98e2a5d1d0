// When a probe tries again. vmm's thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace summond::host {

// An eighth of the time since the first try, within limits. Where many guests boot at once, they
// share the tries of a few: each try takes CPU time of the guest and of its network's backend, with
// which they all could boot.
class ProbePace {
  public:
    using Duration = std::chrono::steady_clock::duration;
    static constexpr std::size_t undivided = 4;  // probes that do not slow each other

    ProbePace(Duration shortest, Duration longest) : shortest_(shortest), longest_(longest) {
        ++under_way;
    }
    ~ProbePace() { --under_way; }
    ProbePace(const ProbePace&) = delete;
    ProbePace& operator=(const ProbePace&) = delete;

    std::chrono::steady_clock::time_point began() const { return began_; }
    Duration pause() const { return pause(std::chrono::steady_clock::now() - began_); }
    Duration pause(Duration since_the_first) const {
        const auto alone = std::clamp<Duration>(since_the_first / 8, shortest_, longest_);
        return alone * std::max(under_way, undivided) / undivided;
    }

  private:
    inline static std::size_t under_way = 0;  // of this process
    Duration shortest_;
    Duration longest_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace summond::host
