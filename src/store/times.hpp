// Times that outlive a process, and a host's clock that somebody sets. In the file stand times of
// day; each row says besides of which boot it is and how far its monotonic clock was from the time
// of day. In the same boot the monotonic time is had back exactly, whatever was done to the clock
// since. After another boot a deadline is no further away than it was when the row was written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/base/wall_clock.hpp"

namespace summond::store {

using Millis = std::int64_t;  // since 1970, or of a difference

// What time it is, by both clocks, and the boot since when the monotonic one counts.
struct Now {
    base::TimePoint steady;
    base::WallTime wall;
    std::string boot;
};

// When a row was written.
struct Stamp {
    std::string boot;
    Millis offset = 0;  // time of day, less monotonic time
    Millis told = 0;    // time of day
};

Stamp stamp_of(const Now& now);
// To the time of day.
Millis to_wall(base::TimePoint at, const Now& now);
// And back; none: no time that a row could have. A deadline, not later than it was from the row.
std::optional<base::TimePoint> deadline_of(Millis wall, const Stamp& stamp, const Now& now);
// Something that has been; at the latest, now.
std::optional<base::TimePoint> past_of(Millis wall, const Stamp& stamp, const Now& now);
// By how much the clock was set since, as far as that can be known: after another boot only that it
// stands before the row. 0: it was not, or by a few seconds.
Millis jump_since(const Stamp& stamp, const Now& now);

}  // namespace summond::store
