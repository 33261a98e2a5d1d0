// What somebody who may wants of services: the Manager's part.

#include <utility>

#include "lifecycle.hpp"
#include "standby.hpp"
#include "summond/base/log.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

Manager::Ordered Manager::wake_by_command(service::Id service, bool forced) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr || lifecycle->retired())
        return Ordered::unknown;
    const auto before = lifecycle->phase();
    if (before == service::Phase::ready)
        return Ordered::nothing;
    if (before == service::Phase::failed && !forced)
        return drained_ ? Ordered::drained : Ordered::refused;
    if (before == service::Phase::asleep || before == service::Phase::failed)
        lifecycle->wake(service::WakeReason::command, clock_.now(), 0, forced);
    switch (lifecycle->phase()) {
        case service::Phase::asleep:  // stopping
        case service::Phase::failed:
            return Ordered::refused;
        case service::Phase::ready:
            return Ordered::done;
        case service::Phase::building:
        case service::Phase::booting:
            break;
    }
    return Ordered::begun;
}

Manager::Ordered Manager::sleep(service::Id service, bool forced) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr)
        return Ordered::unknown;
    switch (lifecycle->sleep(forced)) {
        case Lifecycle::Slept::begun:
            return Ordered::begun;
        case Lifecycle::Slept::asleep:
            return Ordered::nothing;
        case Lifecycle::Slept::pinned:
            return Ordered::pinned;
        case Lifecycle::Slept::busy:
            break;
    }
    return Ordered::busy;
}

Manager::Ordered Manager::pin(service::Id service, std::optional<base::TimePoint> until) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr || lifecycle->retired())
        return Ordered::unknown;
    lifecycle->pin(until);
    return Ordered::done;
}

Manager::Ordered Manager::unpin(service::Id service) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr)
        return Ordered::unknown;
    const bool was = lifecycle->pinned();
    lifecycle->unpin();
    return was ? Ordered::done : Ordered::nothing;
}

Manager::Ordered Manager::adopt(service::Id service, std::string& why) {
    Lifecycle* const lifecycle = find(service);
    if (lifecycle == nullptr || lifecycle->retired())
        return Ordered::unknown;
    if (!lifecycle->can_adopt())
        return lifecycle->phase() == service::Phase::ready ? Ordered::nothing : Ordered::busy;
    if (hypervisor_.snapshots().has(lifecycle->service())) {
        why = lifecycle->service().name() + " is suspended, and its guest would be lost; wake it";
        return Ordered::unfit;
    }
    const auto found = hypervisor_.domains().claim(lifecycle->service());
    if (!found) {
        why = found.error().what;
        spdlog::warn("{} is not adopted: {}", lifecycle->service().name(), why);
        return Ordered::unfit;
    }
    lifecycle->claim(*found);
    return Ordered::begun;
}

void Manager::drain(bool drained) {
    if (std::exchange(drained_, drained) == drained)
        return;
    ledger_.drained(drained);
    for (const auto& [id, lifecycle] : lifecycles_)
        lifecycle->drain(drained);
    follow_up_due_ = true;
}

}  // namespace summond::vm
