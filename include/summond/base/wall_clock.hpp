// The time of day, injected so that tests decide what time it is. It jumps when somebody sets the
// clock: what is measured is measured by base::Clock.
#pragma once

#include <chrono>

namespace summond::base {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class WallClock {
  public:
    virtual ~WallClock() = default;
    virtual WallTime now() const = 0;
};

class SystemClock final : public WallClock {
  public:
    WallTime now() const override {
        using std::chrono::floor;
        return floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
};

}  // namespace summond::base
