// Calls back when a time has come, for state machines that say when they are to be called next.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "summond/base/clock.hpp"

namespace summond::loop {

class DeadlineTimer {
  public:
    // due is called on io's thread, never after the timer's end. It may come too early by what was
    // set before, and must not end the timer.
    DeadlineTimer(boost::asio::io_context& io, std::function<void()> due);
    DeadlineTimer(const DeadlineTimer&) = delete;
    DeadlineTimer& operator=(const DeadlineTimer&) = delete;
    ~DeadlineTimer();

    // Instead of what was set before; none: never.
    void set(std::optional<base::TimePoint> deadline);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace summond::loop
