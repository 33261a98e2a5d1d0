// Whether wakes ask for more than the host can give: then, and for a while after, only clients that
// have shown that their address is not forged wake services. Pure; vmm's thread only.
//
// It begins at once and ends late. Who forges addresses is refused from then on, so that nothing is
// the matter any more, and would go on where it ends: each time that it comes back soon, it lasts
// twice as long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "summond/base/clock.hpp"
#include "summond/service/pressure.hpp"

namespace summond::vm {

class Pressure {
  public:
    // It lasts so long after its last cause.
    static constexpr std::chrono::minutes shortest{1};
    static constexpr std::chrono::minutes longest{16};
    // A wake that has failed counts for so long.
    static constexpr std::chrono::seconds failure_counts{10};

    explicit Pressure(const base::Clock& clock) : clock_(clock) {}

    // How many wakes are too many; none: there is never any pressure.
    void configure(std::optional<std::uint32_t> wakes) { wakes_ = wakes; }
    // A wake has.
    void failed();

    struct Load {
        std::size_t wakes = 0;  // under way
        bool queued = false;    // some of them wait for room
        bool short_of_room = false;
    };
    // To be called when any of it may be different. True: the causes are.
    bool look(const Load& load);

    // All since it began; 0: there is none.
    service::PressureCauses causes() const { return causes_; }
    // When look() has to be called again; none: not before something happens.
    std::optional<base::TimePoint> deadline() const { return until_; }

  private:
    service::PressureCauses causes_of(const Load& load);

    const base::Clock& clock_;
    std::optional<std::uint32_t> wakes_;
    std::deque<base::TimePoint> failures_;  // the last ones, as many as are too many
    service::PressureCauses causes_ = 0;
    std::optional<base::TimePoint> until_;  // of one that is on
    base::Duration hold_ = shortest;
    std::optional<base::TimePoint> ended_;  // the last one
};

}  // namespace summond::vm
