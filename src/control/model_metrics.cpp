// What the model knows, for the metrics.
#include "summond/control/model.hpp"

namespace summond::control {
namespace {

double seconds(Model::WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

void Model::fill(metrics::Snapshot& snapshot, const Now& now) const {
    snapshot.version = version_;
    snapshot.services.reserve(services_.size());
    for (const auto& [id, text] : services_) {
        auto& numbers = snapshot.services.emplace_back();
        numbers.id = id;
        numbers.name = text.name;
        const auto* const told = report_of(id);
        if (told == nullptr)
            continue;
        const service::Report report = at(*told, now.steady);
        numbers.phase = report.status.phase;
        numbers.memory_bytes = report.memory_kib * 1024;
        numbers.standby_copies = report.standby;
        numbers.standby_bytes = report.standby_kib * 1024;
        numbers.pinned = report.pinned;
        if (report.status.phase == service::Phase::failed && report.status.retry_at)
            numbers.retry_seconds =
                std::chrono::duration<double>(*report.status.retry_at - now.steady).count();
    }
    for (const Process& process : processes_)
        snapshot.processes.push_back({ipc::to_string(process.role),
                                      process.state.state == ipc::RoleReport::State::ready,
                                      seconds(process.state.started), process.state.restarts});
    snapshot.drained = drained_.value_or(false);
    snapshot.shells = shells_.there;
    snapshot.pool_addresses = pools_.addresses;
    snapshot.leased = pools_.leased;
    snapshot.shells_bytes = shells_.kib * 1024;
    snapshot.under_pressure = pressure_.value_or(0) != 0;
    if (limits_.memory_kib)
        snapshot.memory_limit_bytes = *limits_.memory_kib * 1024;
    snapshot.domain_limit = limits_.domains;
    snapshot.loads = load_.number;
    snapshot.failed_loads = load_.failures;
    snapshot.load_succeeded = load_.result != ipc::LoadReport::Result::refused &&
                              load_.result != ipc::LoadReport::Result::failed;
    snapshot.loaded_at = seconds(load_.at);
}

}  // namespace summond::control
