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

constexpr Metric metrics[] = {
    {"summond_build_info", Kind::gauge, "1, with the version of summond.", "version",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({snapshot.version}, std::uint64_t{1});
     }},
    {"summond_process_up", Kind::gauge,
     "Whether a process of this role is there and ready: front answers DNS, vmm runs the domains, "
     "wire holds packets, control answers here, notifier tells webhooks.",
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
    {"summond_config_last_load_successful", Kind::gauge,
     "0: the file was bad the last time, and the configuration before it is in force.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, std::uint64_t{snapshot.load_succeeded ? 1U : 0U});
     }},
    {"summond_config_last_load_timestamp_seconds", Kind::gauge,
     "When that was, in seconds since 1970.", "",
     [](const Snapshot& snapshot, Samples& samples) { samples.add({}, snapshot.loaded_at); }},
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
};

}  // namespace

std::span<const Metric> daemon_metrics() {
    return metrics;
}

}  // namespace summond::metrics
