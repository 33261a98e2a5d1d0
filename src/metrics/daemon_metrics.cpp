#include <algorithm>
#include <map>

#include "samples.hpp"
#include "tables.hpp"

namespace summond::metrics {
namespace {

// Two fronts are there for a while at a reload.
template <typename Value, typename Of>
void by_role(const Snapshot& snapshot, Samples& samples, Of of) {
    std::map<std::string_view, Value> roles;
    for (const Snapshot::Process& process : snapshot.processes)
        of(roles[process.role], process);
    for (const auto& [role, value] : roles)
        samples.add({role}, value);
}

// What vmm says of the file that outlives it; nothing where there is none.
void of_file(const Snapshot& snapshot, Samples& samples,
             std::uint64_t (*value)(const VmmCounters&)) {
    if (snapshot.vmm != nullptr &&
        snapshot.vmm->file.state.get() != static_cast<std::uint64_t>(StateFile::none))
        samples.add({}, value(*snapshot.vmm));
}

constexpr Metric metrics[] = {
    {"summond_build_info", Kind::gauge, "1, with the version of summond.", "version",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({snapshot.version}, std::uint64_t{1});
     }},
    {"summond_process_up", Kind::gauge,
     "Whether a process of this role is there and ready: front answers DNS, vmm runs the domains, "
     "wire holds packets, control answers here, notifier tells webhooks, "
     "transfer gives zones to secondaries.",
     "role",
     [](const Snapshot& snapshot, Samples& samples) {
         by_role<std::uint64_t>(snapshot, samples, [](auto& value, const auto& process) {
             value |= process.ready ? 1U : 0U;
         });
     }},
    {"summond_process_start_time_seconds", Kind::gauge,
     "When the newest process of this role was started, in seconds since 1970.", "role",
     [](const Snapshot& snapshot, Samples& samples) {
         by_role<double>(snapshot, samples, [](auto& value, const auto& process) {
             value = std::max(value, process.started_at);
         });
     }},
    {"summond_process_restarts_total", Kind::counter,
     "How often a process of this role had to be started again because it had died.", "role",
     [](const Snapshot& snapshot, Samples& samples) {
         by_role<std::uint64_t>(snapshot, samples, [](auto& value, const auto& process) {
             value = std::max<std::uint64_t>(value, process.restarts);
         });
     }},
    {"summond_config_loads_total", Kind::counter,
     "How often the configuration has been read, at the start and for reloads.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, std::uint64_t{snapshot.loads});
     }},
    {"summond_config_load_failures_total", Kind::counter,
     "How many of these were refused, since the file is bad, or failed.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, std::uint64_t{snapshot.failed_loads});
     }},
    {"summond_config_last_load_successful", Kind::gauge,
     "0: the file was bad the last time, and the configuration before it is in force.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, std::uint64_t{snapshot.load_succeeded ? 1U : 0U});
     }},
    {"summond_config_last_load_timestamp_seconds", Kind::gauge,
     "When that was, in seconds since 1970.", "",
     [](const Snapshot& snapshot, Samples& samples) { samples.add({}, snapshot.loaded_at); }},
    {"summond_zone_signatures_end_timestamp_seconds", Kind::gauge,
     "When the first of all signatures in signed zones ends, in seconds since 1970.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.signatures_end)
             samples.add({}, *snapshot.signatures_end);
     }},
    {"summond_config_hash", Kind::gauge,
     "A number made from the text of the configuration in force: hosts with the same text have the "
     "same.",
     "", [](const Snapshot& snapshot, Samples& samples) { samples.add({}, snapshot.config_hash); }},
    {"summond_webhook_attempts_total", Kind::counter,
     "Requests to a webhook, by whether the receiver has taken what it was told; from 0 when the "
     "notifier starts.",
     "webhook,result",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Webhook& webhook : snapshot.webhooks) {
             samples.add({webhook.name, "taken"}, webhook.delivered);
             samples.add({webhook.name, "failed"}, webhook.failed);
         }
     }},
    {"summond_webhook_dropped_total", Kind::counter,
     "Notices to a webhook that were given up, or for which there was no room; from 0 when the "
     "notifier starts.",
     "webhook",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Webhook& webhook : snapshot.webhooks)
             samples.add({webhook.name}, webhook.dropped);
     }},
    {"summond_webhook_waiting", Kind::gauge, "Notices that wait to be told to a webhook.",
     "webhook",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Webhook& webhook : snapshot.webhooks)
             samples.add({webhook.name}, std::uint64_t{webhook.waiting});
     }},
    {"summond_fleet_connected", Kind::gauge,
     "Where there is `fleet:`: 1 where what is known of the other hosts is what etcd says now.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.fleet)
             samples.add({}, std::uint64_t{snapshot.fleet->connected});
     }},
    {"summond_fleet_joined", Kind::gauge,
     "Where there is `fleet:`: 1 where the other hosts see this one.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.fleet)
             samples.add({}, std::uint64_t{snapshot.fleet->joined});
     }},
    {"summond_fleet_hosts", Kind::gauge,
     "Where there is `fleet:`: hosts that are known, this one included.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.fleet)
             samples.add({}, std::uint64_t{snapshot.fleet->hosts});
     }},
    {"summond_fleet_ignored_total", Kind::counter,
     "Keys and values in etcd that were none of a host; from 0 when the process fleet starts.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.fleet)
             samples.add({}, snapshot.fleet->ignored);
     }},
    {"summond_zones", Kind::gauge,
     "Zones that are answered for, and such whose file is bad or missing: those are answered with "
     "SERVFAIL.",
     "state",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({"loaded"}, std::uint64_t{snapshot.zones - snapshot.unloaded_zones});
         samples.add({"not_loaded"}, std::uint64_t{snapshot.unloaded_zones});
     }},
    {"summond_state_writable", Kind::gauge,
     "0: the file that outlives the daemon (`state:`) could not be read or written the last time, "
     "and it is tried again.",
     "",
     [](const Snapshot& snapshot, Samples& samples) {
         of_file(snapshot, samples, [](const VmmCounters& vmm) {
             return std::uint64_t{
                 vmm.file.state.get() == static_cast<std::uint64_t>(StateFile::usable) ? 1U : 0U};
         });
     }},
    {"summond_state_last_write_timestamp_seconds", Kind::gauge,
     "When it was last written, in seconds since 1970; 0: not since the daemon's start.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         of_file(snapshot, samples,
                 [](const VmmCounters& vmm) { return vmm.file.written_at_ms.get() / 1000; });
     }},
    {"summond_state_writes_total", Kind::counter, "Transactions that were written to it.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         of_file(snapshot, samples, [](const VmmCounters& vmm) { return vmm.file.writes.get(); });
     }},
    {"summond_state_write_failures_total", Kind::counter,
     "How often it could not be opened or written.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         of_file(snapshot, samples, [](const VmmCounters& vmm) { return vmm.file.failures.get(); });
     }},
    {"summond_state_lost_wakes_total", Kind::counter,
     "Wakes that are missing from the history, since it was not written in time.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         of_file(snapshot, samples,
                 [](const VmmCounters& vmm) { return vmm.file.lost_wakes.get(); });
     }},
};

}  // namespace

std::span<const Metric> daemon_metrics() {
    return metrics;
}

}  // namespace summond::metrics
