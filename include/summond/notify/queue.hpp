// What waits to be told to one receiver: the oldest first, each until it is taken or too old. Pure;
// the clock and chance are injected.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "summond/base/clock.hpp"

namespace summond::notify {

struct Notice {
    std::string id;    // the same at each attempt, so that a receiver knows it again
    std::string body;  // JSON
};

class Queue {
  public:
    static constexpr std::size_t most = 1000;
    // Between attempts: doubled from the first to the longest, each by half as chance will have it.
    static constexpr std::chrono::milliseconds first_delay{5'000};
    static constexpr std::chrono::milliseconds longest_delay{300'000};

    // chance: from 0 to below 1. The clock outlives it.
    Queue(const base::Clock& clock, std::function<double()> chance)
        : clock_(clock), chance_(std::move(chance)) {}

    // False: it was full, and the oldest that is not under way is lost.
    bool add(Notice notice);
    std::size_t size() const { return notices_.size(); }
    // The one whose turn it is, which is under way from now on. Null: none, one is, or not yet.
    const Notice* begin();
    // When begin() has one, if nothing is added; none: it will not have.
    std::optional<base::TimePoint> due() const;
    // The one under way has been taken.
    void taken();
    // It has not. False: it is given up, as another attempt would come after retry_for since it was
    // added.
    bool not_taken(std::chrono::milliseconds retry_for);

  private:
    struct Waiting {
        Notice notice;
        base::TimePoint added;
    };
    void next();

    const base::Clock& clock_;
    std::function<double()> chance_;
    std::deque<Waiting> notices_;
    bool under_way_ = false;  // the first
    std::chrono::milliseconds delay_ = first_delay;
    base::TimePoint not_before_{};
};

}  // namespace summond::notify
