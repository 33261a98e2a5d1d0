#include "pressure.hpp"

#include <algorithm>

namespace summond::vm {

using service::PressureCause;
using service::PressureCauses;

void Pressure::failed() {
    failures_.push_back(clock_.now());
    while (failures_.size() > wakes_.value_or(0))
        failures_.pop_front();
}

PressureCauses Pressure::causes_of(const Load& load) {
    if (!wakes_)
        return 0;
    const auto now = clock_.now();
    while (!failures_.empty() && failures_.front() + failure_counts <= now)
        failures_.pop_front();
    PressureCauses causes = 0;
    if (load.wakes >= *wakes_)
        causes |= bit(PressureCause::wakes);
    else if (load.wakes + failures_.size() >= *wakes_)
        causes |= bit(PressureCause::failures);
    if (load.queued)
        causes |= bit(PressureCause::queue);
    if (load.short_of_room)
        causes |= bit(PressureCause::room);
    return causes;
}

bool Pressure::look(const Load& load) {
    const auto now = clock_.now();
    const PressureCauses before = causes_;
    if (const PressureCauses causes = causes_of(load); causes != 0) {
        if (before == 0) {
            const bool soon = ended_ && now < *ended_ + hold_;
            hold_ = soon ? std::min<base::Duration>(2 * hold_, longest) : shortest;
        }
        causes_ |= causes;
        until_ = now + hold_;
    } else if (until_ && (now >= *until_ || !wakes_)) {
        causes_ = 0;
        until_.reset();
        ended_ = now;
    }
    return causes_ != before;
}

}  // namespace summond::vm
