#include "summond/metrics/vmm_counters.hpp"

#include <algorithm>

namespace summond::metrics {

VmmCount::VmmCount(VmmCounters* counters) : counters_(counters) {
    if (counters_ == nullptr)
        return;
    const auto used = std::min<std::size_t>(counters_->services.get(), max_counted_services);
    for (std::size_t i = 0; i < used; ++i)
        index_.emplace(counters_->service[i].service.get(), i);
}

// Null: there is no room for it.
ServiceCounters* VmmCount::of(service::Id service) {
    const auto [entry, is_new] = index_.try_emplace(service, index_.size());
    if (!is_new)
        return &counters_->service[entry->second];
    if (entry->second == max_counted_services) {
        index_.erase(entry);
        return nullptr;
    }
    ServiceCounters& counters = counters_->service[entry->second];
    counters.service.set(service);
    // Killed between the two, the next vmm uses the same place.
    counters_->services.set(index_.size());
    return &counters;
}

void VmmCount::done(service::Id service, service::WakeReason why) {
    if (counters_ == nullptr)
        return;
    if (ServiceCounters* const counters = of(service))
        counters->done[static_cast<std::size_t>(why)].add();
}

void VmmCount::failed(service::Id service, service::WakeReason why, service::WakeFailure failure) {
    if (counters_ == nullptr)
        return;
    counters_->failures[static_cast<std::size_t>(failure)].add();
    if (ServiceCounters* const counters = of(service))
        counters->failed[static_cast<std::size_t>(why)].add();
}

void VmmCount::phase(std::size_t how, WakePhase phase, std::chrono::nanoseconds after) {
    if (counters_ != nullptr)
        counters_->wake[how][static_cast<std::size_t>(phase)].add(after);
}

void VmmCount::handed_over(std::uint32_t packets) {
    if (counters_ != nullptr)
        counters_->packets_handed_over.add(packets);
}

}  // namespace summond::metrics
