// When a service is to be up whether somebody asks for it or not: windows of the week in a time
// zone, made into moments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/base/wall_clock.hpp"

namespace summond::service {

// On these days from one time of day to another.
struct KeepWindow {
    std::uint8_t days = 0x7f;    // bit 0: Monday, to bit 6: Sunday
    std::uint16_t from = 0;      // minutes since midnight, below 1440
    std::uint16_t to = 24 * 60;  // up to 1440; if it is not after `from`, on the next day
    std::string zone;            // of the IANA database; "localtime": the host's own
    friend bool operator==(const KeepWindow&, const KeepWindow&) = default;
};

// Whether this host knows the zone (tzdata). Reads a file.
bool is_time_zone(const std::string& name);

class Schedule {
  public:
    // Reads the files of the zones; the error says which is not known.
    static base::Result<Schedule> of(const std::vector<KeepWindow>& windows);

    struct Window {
        base::WallTime begin;
        base::WallTime end;  // not in it
        friend bool operator==(const Window&, const Window&) = default;
    };
    // The window that holds now, or the next; none: there is none. Where clocks are put forward
    // over a time, it is the moment at which they are; where they are put back over it, a window
    // begins at the first and ends at the second of the two moments.
    std::optional<Window> next(base::WallTime now) const;

  private:
    struct Zone;
    struct Rule {
        KeepWindow window;
        std::shared_ptr<const Zone> zone;
    };
    std::vector<Rule> rules_;
};

}  // namespace summond::service
