// All that the metrics are made from, at one moment.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/metrics/front_totals.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/metrics/vmm_counters.hpp"
#include "summond/metrics/wire_counters.hpp"
#include "summond/service/status.hpp"

namespace summond::metrics {

struct Snapshot {
    // Of a service that is configured.
    struct Service {
        service::Id id = 0;
        std::string_view name;
        // None: vmm has not said yet.
        std::optional<service::Phase> phase{};
        std::uint64_t memory_bytes = 0;  // what its domain takes now
        std::uint32_t standby_copies = 0;
        std::uint64_t standby_bytes = 0;
        bool pinned = false;
        double retry_seconds = 0;  // until it may be woken again, after failures
    };
    struct Process {
        std::string_view role;
        bool ready = false;
        double started_at = 0;  // seconds since 1970
        std::uint32_t restarts = 0;
    };

    struct Webhook {
        std::string name;
        // Since the notifier's start.
        std::uint64_t delivered = 0;
        std::uint64_t failed = 0;  // attempts
        std::uint64_t dropped = 0;
        std::uint32_t waiting = 0;
    };

    // This host among those of a fleet.
    struct Fleet {
        bool connected = false;
        bool joined = false;
        std::uint32_t hosts = 0;
        std::uint64_t ignored = 0;  // since the start of the process fleet
    };

    struct Zone {
        std::string name;
        std::uint32_t serial = 0;
    };
    static constexpr std::size_t max_zone_serials = 1000;

    std::string_view version;
    FrontTotals front;
    const VmmCounters* vmm = nullptr;            // null: there has been none
    const TransferCounters* transfer = nullptr;  // likewise
    std::vector<Service> services;
    std::vector<Process> processes;
    std::vector<Webhook> webhooks;
    std::optional<Fleet> fleet{};  // none: there is no `fleet:`
    bool drained = false;
    std::uint32_t pool_addresses = 0;
    std::uint32_t leased = 0;  // of these
    std::uint32_t shells = 0;  // built domains of no service
    std::uint64_t shells_bytes = 0;
    bool under_pressure = false;
    std::uint64_t held_packets = 0;  // for services that sleep
    std::array<std::uint64_t, std::size(metrics::unproved_packets)> unproved_packets{};
    std::uint64_t proved_clients = 0;
    std::optional<std::uint64_t> memory_limit_bytes{};
    std::optional<std::uint32_t> domain_limit{};

    std::uint32_t loads = 0;  // of the configuration
    std::uint32_t failed_loads = 0;
    bool load_succeeded = true;  // the last one
    double loaded_at = 0;        // seconds since 1970
    // Of all signed zones' signatures the first that ends, in seconds since 1970.
    std::optional<double> signatures_end{};
    std::uint64_t config_hash = 0;  // of the one in force; 48 bits
    std::uint32_t zones = 0;
    std::uint32_t unloaded_zones = 0;  // of these
    std::vector<Zone> zone_serials;    // of those that are loaded, max_zone_serials at most
};

}  // namespace summond::metrics
