// A clock that stands still until a test moves it.
#pragma once

#include "summond/base/clock.hpp"

namespace summond::test {

class FakeClock final : public base::Clock {
  public:
    base::TimePoint now() const override { return now_; }
    void advance(base::Duration by) { now_ += by; }

  private:
    base::TimePoint now_{std::chrono::hours(1)};
};

}  // namespace summond::test
