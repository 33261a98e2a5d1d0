// What somebody who may wants of a service: away with its domain, keep it, wake it no more.

#include <memory>

#include "lifecycle.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {

Lifecycle::Slept Lifecycle::sleep(bool forced) {
    if (in<Queued>() || in<Building>() || in<Booting>() || in<Suspended>())
        return Slept::busy;
    if (!in<Ready>())
        return wake_under_way() == nullptr ? Slept::asleep : Slept::busy;
    if (pinned() && !forced)
        return Slept::pinned;
    if (!as_left())
        return Slept::busy;
    put_away();
    put_away_by_order_ = true;
    rest();
    return Slept::begun;
}

void Lifecycle::claim(const Found& found) {
    const auto now = clock_.now();
    last_traffic_ = last_asked_ = now;
    met_clients_since_ = {};
    spdlog::info("adopted {}: domid {}, which somebody else has made", service_.name(),
                 found.domid);
    boot(std::make_unique<Domain>(hypervisor_, clock_, service_, found), {{}, now});
}

void Lifecycle::pin(std::optional<base::TimePoint> until) {
    pin_ = Pin{until};
    hooks_.changed(service_.id());
}

void Lifecycle::unpin() {
    pin_.reset();
    hooks_.changed(service_.id());
}

void Lifecycle::drain(bool drained) {
    if (std::exchange(drained_, drained) != drained)
        hooks_.changed(service_.id());
}

}  // namespace summond::vm
