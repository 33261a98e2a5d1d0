// Windows of the week as moments, by the zone's own rules. Europe/Oslo puts its clocks forward from
// 2:00 to 3:00 on 2026-03-29, and back from 3:00 to 2:00 on 2026-10-25.
#include "summond/service/schedule.hpp"

#include <gtest/gtest.h>

namespace summond::service {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year;

constexpr std::uint8_t mon_fri = 0x1f;
constexpr std::uint8_t sunday = 0x40;

base::WallTime utc(int month, int day, int hour = 0, int minute = 0) {
    return sys_days(year(2026) / month / day) + hours(hour) + minutes(minute);
}
std::uint16_t at(int hour, int minute = 0) {
    return static_cast<std::uint16_t>(60 * hour + minute);
}
std::optional<Schedule::Window> next(const KeepWindow& window, base::WallTime now) {
    return Schedule::of({window})->next(now);
}
Schedule::Window from_to(base::WallTime begin, base::WallTime end) {
    return {begin, end};
}

TEST(Schedule, TheWindowThatHoldsOrTheNext) {
    const KeepWindow office{mon_fri, at(8), at(18), "UTC"};
    const auto monday = from_to(utc(11, 30, 8), utc(11, 30, 18));  // 2026-11-30 is a Monday
    const auto tuesday = from_to(utc(12, 1, 8), utc(12, 1, 18));
    EXPECT_EQ(next(office, utc(11, 28, 12)), monday) << "from Saturday on";
    EXPECT_EQ(next(office, utc(11, 30, 7, 59)), monday);
    EXPECT_EQ(next(office, utc(11, 30, 8)), monday);
    EXPECT_EQ(next(office, utc(11, 30, 17, 59)), monday);
    EXPECT_EQ(next(office, utc(11, 30, 18)), tuesday);
}

TEST(Schedule, SummerAndWinterHaveOtherMoments) {
    const KeepWindow office{mon_fri, at(8), at(18), "Europe/Oslo"};
    EXPECT_EQ(next(office, utc(1, 5)), from_to(utc(1, 5, 7), utc(1, 5, 17)));
    EXPECT_EQ(next(office, utc(7, 6)), from_to(utc(7, 6, 6), utc(7, 6, 16)));
    // Over the nights of the changes.
    EXPECT_EQ(next(office, utc(3, 27, 20)), from_to(utc(3, 30, 6), utc(3, 30, 16)));
    EXPECT_EQ(next(office, utc(10, 23, 20)), from_to(utc(10, 26, 7), utc(10, 26, 17)));
}

TEST(Schedule, ATimeThatDoesNotExist) {
    // 2:30 is put forward over: the window begins, or ends, when the clocks are, at 1:00 UTC.
    EXPECT_EQ(next({sunday, at(2, 30), at(5), "Europe/Oslo"}, utc(3, 28)),
              from_to(utc(3, 29, 1), utc(3, 29, 3)));
    EXPECT_EQ(next({sunday, at(1), at(2, 30), "Europe/Oslo"}, utc(3, 28)),
              from_to(utc(3, 29, 0), utc(3, 29, 1)));
    // All of it: there is none that day.
    EXPECT_EQ(next({sunday, at(2, 10), at(2, 50), "Europe/Oslo"}, utc(3, 28)),
              from_to(utc(4, 5, 0, 10), utc(4, 5, 0, 50)));
}

TEST(Schedule, ATimeThatIsTwice) {
    // 2:30 is at 0:30 and at 1:30 UTC: a window begins at the first and ends at the second.
    EXPECT_EQ(next({sunday, at(2, 30), at(5), "Europe/Oslo"}, utc(10, 24)),
              from_to(utc(10, 25, 0, 30), utc(10, 25, 4)));
    EXPECT_EQ(next({sunday, at(1), at(2, 30), "Europe/Oslo"}, utc(10, 24)),
              from_to(utc(10, 24, 23), utc(10, 25, 1, 30)));
    EXPECT_EQ(next({sunday, at(2, 10), at(2, 50), "Europe/Oslo"}, utc(10, 24)),
              from_to(utc(10, 25, 0, 10), utc(10, 25, 1, 50)));
}

TEST(Schedule, ADayOfTwentyThreeHoursAndOneOfTwentyFive) {
    const KeepWindow whole{sunday, 0, at(24), "Europe/Oslo"};
    const auto spring = next(whole, utc(3, 29, 12));
    const auto autumn = next(whole, utc(10, 25, 12));
    EXPECT_EQ(spring->end - spring->begin, hours(23));
    EXPECT_EQ(autumn->end - autumn->begin, hours(25));
}

TEST(Schedule, PastMidnight) {
    const KeepWindow night{1U << 4, at(22), at(6), "UTC"};  // Friday, to Saturday
    const auto friday = from_to(utc(12, 4, 22), utc(12, 5, 6));
    EXPECT_EQ(next(night, utc(12, 4, 3)), friday) << "Thursday has none";
    EXPECT_EQ(next(night, utc(12, 5, 3)), friday);
    EXPECT_EQ(next(night, utc(12, 5, 6)), from_to(utc(12, 11, 22), utc(12, 12, 6)));
}

TEST(Schedule, TheFirstOfSeveralWins) {
    const auto schedule =
        Schedule::of({{mon_fri, at(13), at(17), "UTC"},
                      {mon_fri, at(8), at(12), "UTC"},
                      {0x7f, at(16), at(20), "Asia/Tokyo"}});  // 7:00 to 11:00 UTC
    EXPECT_EQ(schedule->next(utc(11, 30, 6)), from_to(utc(11, 30, 7), utc(11, 30, 11)));
    EXPECT_EQ(schedule->next(utc(11, 30, 11)), from_to(utc(11, 30, 8), utc(11, 30, 12)));
    EXPECT_EQ(schedule->next(utc(11, 30, 12)), from_to(utc(11, 30, 13), utc(11, 30, 17)));
}

TEST(Schedule, NoWindows) {
    EXPECT_FALSE(Schedule::of({})->next(utc(1, 1)));
    EXPECT_FALSE(Schedule().next(utc(1, 1)));
}

TEST(Schedule, Zones) {
    EXPECT_TRUE(is_time_zone("Europe/Oslo"));
    EXPECT_TRUE(is_time_zone("UTC"));
    EXPECT_TRUE(is_time_zone("localtime"));
    EXPECT_FALSE(is_time_zone("Europe/Olso"));
    EXPECT_FALSE(is_time_zone("../../../etc/passwd"));
    const auto unknown = Schedule::of({{mon_fri, at(8), at(18), "Europe/Olso"}});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().what, "time zone Europe/Olso is not known here (tzdata)");
}

}  // namespace
}  // namespace summond::service
