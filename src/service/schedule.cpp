#include "summond/service/schedule.hpp"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <algorithm>

namespace summond::service {

struct Schedule::Zone {
    absl::TimeZone zone;
};

namespace {

base::WallTime wall_of(absl::Time time) {
    return base::WallTime(std::chrono::milliseconds(absl::ToUnixMillis(time)));
}

bool load(const std::string& name, absl::TimeZone& zone) {
    return absl::LoadTimeZone(name, &zone);
}

enum class Side : std::uint8_t { begin, end };

base::WallTime moment(const absl::TimeZone& zone, absl::CivilDay day, unsigned minutes, Side side) {
    const absl::CivilMinute at = absl::CivilMinute(day) + static_cast<int>(minutes);
    const auto info = zone.At(absl::CivilSecond(at));
    switch (info.kind) {
        case absl::TimeZone::TimeInfo::SKIPPED:
            return wall_of(info.trans);
        case absl::TimeZone::TimeInfo::REPEATED:
            return wall_of(side == Side::begin ? info.pre : info.post);
        case absl::TimeZone::TimeInfo::UNIQUE:
            break;
    }
    return wall_of(info.pre);
}

bool has_day(const KeepWindow& window, absl::CivilDay day) {
    // absl counts from Monday, too.
    const auto weekday = static_cast<unsigned>(absl::GetWeekday(day));
    return (window.days & (1U << weekday)) != 0;
}

}  // namespace

bool is_time_zone(const std::string& name) {
    absl::TimeZone zone;
    return load(name, zone);
}

base::Result<Schedule> Schedule::of(const std::vector<KeepWindow>& windows) {
    Schedule schedule;
    for (const KeepWindow& window : windows) {
        auto zone = std::make_shared<Zone>();
        if (!load(window.zone, zone->zone))
            return base::error("time zone " + window.zone + " is not known here (tzdata)");
        schedule.rules_.push_back({window, std::move(zone)});
    }
    return schedule;
}

std::optional<Schedule::Window> Schedule::next(base::WallTime now) const {
    std::optional<Window> first;
    const absl::Time at = absl::FromUnixMillis(now.time_since_epoch().count());
    for (const auto& [window, own] : rules_) {
        const absl::TimeZone& zone = own->zone;
        const absl::CivilDay today(absl::ToCivilDay(at, zone));
        const unsigned end = window.to > window.from ? window.to : window.to + 24U * 60;
        // From yesterday's, which may go on past midnight; a week on it is the same day again, and
        // another one if that day's window is skipped.
        for (int day = -1; day <= 15; ++day) {
            if (!has_day(window, today + day))
                continue;
            const Window each{moment(zone, today + day, window.from, Side::begin),
                              moment(zone, today + day, end, Side::end)};
            if (each.end <= now || each.begin >= each.end)
                continue;
            if (!first || each.begin < first->begin ||
                (each.begin == first->begin && each.end > first->end))
                first = each;
            break;
        }
    }
    return first;
}

}  // namespace summond::service
