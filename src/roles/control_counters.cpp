#include "control_counters.hpp"

#include <utility>

#include "summond/base/log.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/metrics/wire_counters.hpp"

namespace summond::roles {

void CounterMappings::add(ipc::Role role, int shared_memory) {
    const bool of_front = role == ipc::Role::front;
    const bool of_wire = role == ipc::Role::wire;
    const bool of_transfer = role == ipc::Role::transfer;
    const std::size_t size = of_front      ? sizeof(metrics::FrontCounters)
                             : of_wire     ? sizeof(metrics::WireCounters)
                             : of_transfer ? sizeof(metrics::TransferCounters)
                                           : sizeof(metrics::VmmCounters);
    auto mapping = proc::SharedMapping::map(shared_memory, size, proc::SharedMapping::Access::read);
    if (!mapping)
        spdlog::error("{}: {}", ipc::to_string(role), mapping.error().what);
    else if (of_front)
        fronts_.push_back(std::move(*mapping));
    else if (of_wire)
        wires_.push_back(std::move(*mapping));
    else if (of_transfer)
        transfer_ = std::move(*mapping);
    else
        vmm_ = std::move(*mapping);
}

void CounterMappings::fill(metrics::Snapshot& snapshot) const {
    for (const proc::SharedMapping& front : fronts_)
        snapshot.front.add(*front.as<const metrics::FrontCounters>());
    for (const proc::SharedMapping& wire : wires_) {
        const auto& counters = *wire.as<const metrics::WireCounters>();
        snapshot.held_packets += counters.now.held.get();
        for (std::size_t i = 0; i < snapshot.unproved_packets.size(); ++i)
            snapshot.unproved_packets[i] += counters.unproved[i].get();
        snapshot.proved_clients += counters.proved.get();
    }
    snapshot.transfer = transfer_.as<const metrics::TransferCounters>();
    snapshot.vmm = vmm_.as<const metrics::VmmCounters>();
}

}  // namespace summond::roles
