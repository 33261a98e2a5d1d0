#include <algorithm>
#include <string>

#include "samples.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "tables.hpp"

namespace summond::metrics {
namespace {

template <typename Value>
void write_one(const Snapshot& snapshot, Samples& samples, Value value) {
    if (snapshot.transfer != nullptr)
        samples.add({}, value(*snapshot.transfer));
}

// write: (secondary's address and port, index).
template <typename Write>
void by_secondary(const Snapshot& snapshot, Write write) {
    if (snapshot.transfer == nullptr)
        return;
    const auto used =
        std::min<std::size_t>(snapshot.transfer->secondaries.get(), max_counted_secondaries);
    for (std::size_t i = 0; i < used; ++i)
        if (snapshot.transfer->now.secondary[i].configured.get() != 0)
            write(snapshot.transfer->secondary[i].endpoint().to_string(), i);
}

constexpr Metric of_transfer[] = {
    {"summond_transfers_total", Kind::counter,
     "Zone transfers, by what the client was given; ixfr_as_axfr: the whole zone, since the "
     "changes "
     "are not known; ixfr_soa: the SOA record alone, since the client has the zone or has to come "
     "over TCP; broken_off: the client went or was too slow.",
     "kind,result",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.transfer == nullptr)
             return;
         for (std::size_t kind = 0; kind < std::size(transfer_kinds); ++kind)
             for (std::size_t result = 0; result < std::size(transfer_results); ++result)
                 samples.add({transfer_kinds[kind], transfer_results[result]},
                             snapshot.transfer->transfers[kind][result].get());
     }},
    {"summond_transfer_sent_bytes_total", Kind::counter,
     "Octets of the messages of transfers that are over.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         write_one(snapshot, samples, [](const auto& counters) { return counters.octets.get(); });
     }},
    {"summond_transfers_in_progress", Kind::gauge, "Transfers over TCP that are under way.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         write_one(snapshot, samples,
                   [](const auto& counters) { return counters.now.in_progress.get(); });
     }},
    {"summond_transfer_refusals_total", Kind::counter,
     "Transfers and signed queries that were refused; tsig: no key of ours, a wrong signature or "
     "clock; acl: `transfer` names neither the address nor the key; zone: none of ours, or it is "
     "not "
     "loaded.",
     "reason",
     [](const Snapshot& snapshot, Samples& samples) {
         if (snapshot.transfer == nullptr)
             return;
         for (std::size_t i = 0; i < std::size(transfer_refusals); ++i)
             samples.add({transfer_refusals[i]}, snapshot.transfer->refusals[i].get());
     }},
    {"summond_transfer_connections", Kind::gauge,
     "TCP connections of clients that transfer or have sent signed queries.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         write_one(snapshot, samples,
                   [](const auto& counters) { return counters.now.connections.get(); });
     }},
    {"summond_transfer_connections_refused_total", Kind::counter,
     "Such connections that were closed at once, for want of room.", "",
     [](const Snapshot& snapshot, Samples& samples) {
         write_one(snapshot, samples, [](const auto& counters) { return counters.no_room.get(); });
     }},
    {"summond_notify_messages_total", Kind::counter,
     "NOTIFY messages sent to a secondary, repetitions included; of the first 256 secondaries.",
     "secondary",
     [](const Snapshot& snapshot, Samples& samples) {
         by_secondary(snapshot, [&](const std::string& name, std::size_t i) {
             samples.add({name}, snapshot.transfer->secondary[i].sent.get());
         });
     }},
    {"summond_notify_results_total", Kind::counter,
     "Changes of zones that a secondary has heard of, by NOTIFY; refused: it answered with an "
     "error; given_up: it did not answer, for half an hour.",
     "secondary,result",
     [](const Snapshot& snapshot, Samples& samples) {
         by_secondary(snapshot, [&](const std::string& name, std::size_t i) {
             for (std::size_t result = 0; result < std::size(notify_results); ++result)
                 samples.add({name, notify_results[result]},
                             snapshot.transfer->secondary[i].results[result].get());
         });
     }},
    {"summond_notify_waiting", Kind::gauge,
     "Zones whose change a secondary has not answered to yet.", "secondary",
     [](const Snapshot& snapshot, Samples& samples) {
         by_secondary(snapshot, [&](const std::string& name, std::size_t i) {
             samples.add({name}, snapshot.transfer->now.secondary[i].waiting.get());
         });
     }},
    {"summond_zone_serial", Kind::gauge,
     "The serial in the SOA record of a zone; of the first 1000 zones.", "zone",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const Snapshot::Zone& zone : snapshot.zone_serials)
             samples.add({zone.name}, std::uint64_t{zone.serial});
     }},
};

}  // namespace

std::span<const Metric> transfer_metrics() {
    return of_transfer;
}

}  // namespace summond::metrics
