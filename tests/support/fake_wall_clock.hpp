// A time of day that stands still until a test sets it.
#pragma once

#include "summond/base/wall_clock.hpp"

namespace summond::test {

class FakeWallClock final : public base::WallClock {
  public:
    explicit FakeWallClock(base::WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 /
                                                                      30))
        : now_(now) {}
    base::WallTime now() const override { return now_; }
    void set(base::WallTime now) { now_ = now; }
    void advance(std::chrono::milliseconds by) { now_ += by; }

  private:
    base::WallTime now_;
};

}  // namespace summond::test
