#include <algorithm>
#include <array>
#include <cstddef>
#include <unordered_map>

#include "samples.hpp"
#include "tables.hpp"

namespace summond::metrics {
namespace {

using service::Phase;

constexpr std::size_t phases = static_cast<std::size_t>(Phase::last) + 1;

void write_wakes(const Snapshot& snapshot, Samples& samples) {
    if (snapshot.vmm == nullptr)
        return;
    std::unordered_map<service::Id, std::string_view> names;
    names.reserve(snapshot.services.size());
    for (const Snapshot::Service& service : snapshot.services)
        names.emplace(service.id, service.name);
    const auto used = std::min<std::size_t>(snapshot.vmm->services.get(), max_counted_services);
    for (std::size_t i = 0; i < used; ++i) {
        const ServiceCounters& counters = snapshot.vmm->service[i];
        const auto name = names.find(counters.service.get());
        if (name == names.end())
            continue;
        for (std::size_t why = 0; why < wake_reasons; ++why) {
            const std::string_view reason = to_string(static_cast<service::WakeReason>(why));
            const std::uint64_t done = counters.done[why].get();
            const std::uint64_t failed = counters.failed[why].get();
            if (done > 0 || failed > 0) {
                samples.add({name->second, reason, "ready"}, done);
                samples.add({name->second, reason, "failed"}, failed);
            }
        }
    }
}

void write_failures(const Snapshot& snapshot, Samples& samples) {
    for (std::size_t i = 1; i < wake_failures; ++i)
        samples.add({to_string(static_cast<service::WakeFailure>(i))},
                    snapshot.vmm == nullptr ? 0 : snapshot.vmm->failures[i].get());
}

void write_wake_seconds(const Snapshot& snapshot, Samples& samples) {
    if (snapshot.vmm == nullptr)
        return;
    for (std::size_t how = 0; how < std::size(wake_hows); ++how)
        for (std::size_t phase = 0; phase < std::size(wake_phases); ++phase)
            samples.add({wake_phases[phase], wake_hows[how]}, snapshot.vmm->wake[how][phase]);
}

template <typename Number>
auto sum(const Snapshot& snapshot, Number number) {
    std::uint64_t sum = 0;
    for (const Snapshot::Service& service : snapshot.services)
        sum += number(service);
    return sum;
}

void write_phases(const Snapshot& snapshot, Samples& samples) {
    std::array<std::uint64_t, phases> count{};
    for (const Snapshot::Service& service : snapshot.services)
        if (service.phase)
            ++count[static_cast<std::size_t>(*service.phase)];
    for (std::size_t i = 0; i < count.size(); ++i)
        samples.add({to_string(static_cast<Phase>(i))}, count[i]);
}

std::uint64_t running(const Snapshot& snapshot) {
    return sum(snapshot, [](const auto& service) { return service.memory_bytes > 0 ? 1U : 0U; });
}

std::uint64_t standby(const Snapshot& snapshot) {
    return sum(snapshot, [](const auto& service) { return service.standby_copies; });
}

void write_memory(const Snapshot& snapshot, Samples& samples) {
    const auto used = sum(snapshot, [](const auto& service) { return service.memory_bytes; });
    const auto waits = sum(snapshot, [](const auto& service) { return service.standby_bytes; });
    samples.add({"running"}, used);
    samples.add({"standby"}, waits);
    samples.add({"shells"}, snapshot.shells_bytes);
    if (snapshot.memory_limit_bytes)
        samples.add({"free"},
                    *snapshot.memory_limit_bytes - std::min(*snapshot.memory_limit_bytes,
                                                            used + waits + snapshot.shells_bytes));
}

void write_domains(const Snapshot& snapshot, Samples& samples) {
    const auto used = running(snapshot);
    const auto waits = standby(snapshot);
    samples.add({"running"}, used);
    samples.add({"standby"}, waits);
    samples.add({"shells"}, std::uint64_t{snapshot.shells});
    if (snapshot.domain_limit)
        samples.add({"free"}, *snapshot.domain_limit -
                                  std::min<std::uint64_t>(*snapshot.domain_limit,
                                                          used + waits + snapshot.shells));
}

constexpr Metric of_services[] = {
    {"summond_wakes_total", Kind::counter,
     "Wakes of a service that were done, by who asked for them: a query (dns), a packet, its own "
     "end (restart), a command, the schedule or the load of replicas; result: ready or failed. "
     "From its first on.",
     "service,reason,result", write_wakes},
    {"summond_wake_failures_total", Kind::counter,
     "Wakes that failed, of all services, by what went wrong.", "failure", write_failures},
    {"summond_wake_seconds", Kind::histogram,
     "How long after the query or packet a wake's phase was over: there was room (admitted), the "
     "domain was built, unpaused, an answer could go out, it was ready, it was handed over the "
     "packets that were held, and said its first octets to a client (first_byte); from: where its "
     "guest came from.",
     "until,from", write_wake_seconds},
    {"summond_wake_packets_handed_over_total", Kind::counter,
     "Packets that were held for services that slept, and given to them.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, snapshot.vmm == nullptr ? 0 : snapshot.vmm->packets_handed_over.get());
     }},
    {"summond_wake_packets_held", Kind::gauge,
     "Packets that wait now for guests that are being woken, of all services; at most 4096.", "",
     [](const Snapshot& snapshot, Samples& samples) { samples.add({}, snapshot.held_packets); }},
    {"summond_services", Kind::gauge, "Services by phase.", "phase", write_phases},
    {"summond_service_phase", Kind::gauge,
     "1, with the phase that the service is in: asleep, building, booting, ready or failed (the "
     "last wake failed, and for a while no other is tried).",
     "service,phase",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Service& service : snapshot.services)
             if (service.phase)
                 samples.add({service.name, to_string(*service.phase)}, std::uint64_t{1});
     }},
    {"summond_service_retry_seconds", Kind::gauge,
     "Until when a service that has failed is not woken; of those that are backing off only.",
     "service",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Service& service : snapshot.services)
             if (service.retry_seconds > 0)
                 samples.add({service.name}, service.retry_seconds);
     }},
    {"summond_service_pinned", Kind::gauge,
     "1 of each service that is pinned: not put away when it is idle.", "service",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Service& service : snapshot.services)
             if (service.pinned)
                 samples.add({service.name}, std::uint64_t{1});
     }},
    {"summond_domains", Kind::gauge,
     "Domains of services that are up or being made, standby copies, shells, and how many more "
     "there may be (free; where `limits: {domains}` is set).",
     "use", write_domains},
    {"summond_memory_bytes", Kind::gauge,
     "Memory of the host that they take, and what is free under `limits: {memory}`, where that is "
     "set.",
     "use", write_memory},
    {"summond_pool_addresses", Kind::gauge,
     "IPv4 addresses of pools, by state: leased, which includes those whose last answers are not "
     "over yet, or free. Nothing where there is no pool.",
     "state",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.pool_addresses == 0)
             return;
         samples.add({"leased"}, std::uint64_t{snapshot.leased});
         samples.add({"free"}, std::uint64_t{snapshot.pool_addresses} -
                                   std::min(snapshot.pool_addresses, snapshot.leased));
     }},
    {"summond_wake_pressure", Kind::gauge,
     "1: only clients that have shown that their address is not forged wake services, since wakes "
     "ask for more than the host can give (`limits: {pressure}`).",
     "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, std::uint64_t{snapshot.under_pressure ? 1U : 0U});
     }},
    {"summond_wake_packets_unproved_total", Kind::counter,
     "Packets that woke nothing, since their sender had not shown its address where that was "
     "needed: SYNs (their senders are asked to), datagrams and pings, segments of connections.",
     "packet",
     [](const Snapshot& snapshot, Samples& samples) {
         for (std::size_t i = 0; i < std::size(unproved_packets); ++i)
             samples.add({unproved_packets[i]}, snapshot.unproved_packets[i]);
     }},
    {"summond_wake_packets_proved_total", Kind::counter,
     "Senders of such SYNs that have shown their address when they were asked.", "",
     [](const Snapshot& snapshot, Samples& samples) { samples.add({}, snapshot.proved_clients); }},
    {"summond_drained", Kind::gauge, "1: no service is woken, by command (drain).", "",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add({}, std::uint64_t{snapshot.drained ? 1U : 0U});
     }},
};

}  // namespace

std::span<const Metric> service_metrics() {
    return of_services;
}

}  // namespace summond::metrics
