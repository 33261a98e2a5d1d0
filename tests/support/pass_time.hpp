// Lets a Manager's time pass, with all that falls due meanwhile at the moment when it does.
#pragma once

#include "fake_clock.hpp"
#include "summond/vm/manager.hpp"

namespace summond::test {

inline void pass(base::Duration time, FakeClock& clock, vm::Manager& manager) {
    const auto end = clock.now() + time;
    for (auto next = manager.next_deadline(); next && *next <= end;
         next = manager.next_deadline()) {
        if (*next > clock.now())
            clock.advance(*next - clock.now());
        manager.tick();
    }
    clock.advance(end - clock.now());
}

}  // namespace summond::test
