#include "times.hpp"

#include <algorithm>
#include <cstdlib>

namespace summond::store {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr Millis latest = 253'402'300'799'000;  // the year 9999
constexpr Millis small_jump = 5'000;            // NTP's, and what a row took to be written

Millis steady_millis(base::TimePoint at) {
    return std::chrono::floor<milliseconds>(at.time_since_epoch()).count();
}

Millis wall_millis(const Now& now) {
    return now.wall.time_since_epoch().count();
}

bool plausible(Millis wall, const Stamp& stamp) {
    const auto is_time = [](Millis at) { return at >= 0 && at <= latest; };
    return is_time(wall) && is_time(stamp.told) && std::abs(stamp.offset / 2) <= latest / 2;
}

// What was read may be anything, and the clock counts nanoseconds in 64 bits: 290 years.
base::TimePoint at_steady(Millis at) {
    constexpr Millis longest = 3'000'000'000'000;  // 95 years
    return base::TimePoint{milliseconds(std::clamp(at, -longest, longest))};
}

}  // namespace

Stamp stamp_of(const Now& now) {
    return {now.boot, wall_millis(now) - steady_millis(now.steady), wall_millis(now)};
}

Millis to_wall(base::TimePoint at, const Now& now) {
    const Millis from_now = duration_cast<milliseconds>(at - now.steady).count();
    return std::clamp(wall_millis(now) + from_now, Millis{0}, latest);
}

std::optional<base::TimePoint> deadline_of(Millis wall, const Stamp& stamp, const Now& now) {
    if (!plausible(wall, stamp))
        return std::nullopt;
    const Millis as_told = std::max<Millis>(0, wall - stamp.told);
    const Millis left = stamp.boot == now.boot ? wall - stamp.offset - steady_millis(now.steady)
                                               : wall - wall_millis(now);
    return at_steady(steady_millis(now.steady) + std::min(left, as_told));
}

std::optional<base::TimePoint> past_of(Millis wall, const Stamp& stamp, const Now& now) {
    if (!plausible(wall, stamp))
        return std::nullopt;
    const Millis since = stamp.boot == now.boot ? steady_millis(now.steady) - (wall - stamp.offset)
                                                : wall_millis(now) - wall;
    return at_steady(steady_millis(now.steady) - std::max<Millis>(0, since));
}

Millis jump_since(const Stamp& stamp, const Now& now) {
    if (!plausible(0, stamp))
        return 0;
    const Millis jump = stamp.boot == now.boot ? stamp_of(now).offset - stamp.offset
                                               : std::min<Millis>(0, wall_millis(now) - stamp.told);
    return std::abs(jump) > small_jump ? jump : 0;
}

}  // namespace summond::store
