// Which wakes need a client that has shown its address: the Manager's part.

#include <algorithm>

#include "admission.hpp"
#include "lifecycle.hpp"
#include "pressure.hpp"
#include "summond/base/log.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {
namespace {

// Of the instances that there may be at all, so many are nearly all.
constexpr std::size_t many_instances = service::max_instances / 8 * 7;

}  // namespace

service::PressureCauses Manager::pressure() const {
    return pressure_->causes();
}

bool Manager::needs_proof(service::Id service) const {
    if (pressure_->causes() != 0)
        return true;
    if (const Lifecycle* const lifecycle = find(service))
        return lifecycle->service()->wake_by_proof;
    const auto pattern = patterns_.find(service);
    return pattern != patterns_.end() && pattern->second->wake_by_proof;
}

// After whatever may have changed it, before anybody else's wake is looked at.
void Manager::look_at_pressure() {
    const auto waking =
        std::ranges::count_if(busy_, [](const auto& entry) { return entry.second->waking(); });
    const auto before = pressure_->causes();
    if (!pressure_->look(
            {.wakes = static_cast<std::size_t>(waking),
             .queued = admission_->queues(),
             .short_of_room = admission_->short_of_room() || instances_.size() > many_instances}))
        return;
    const auto causes = pressure_->causes();
    if (before == 0)
        spdlog::warn(
            "under pressure ({}): only clients that have shown their address wake services",
            service::pressure_words(causes));
    else if (causes == 0)
        spdlog::info("under pressure no more");
    if (told_pressure_)
        told_pressure_();
}

}  // namespace summond::vm
