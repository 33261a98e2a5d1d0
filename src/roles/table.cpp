#include "table.hpp"

#include <algorithm>
#include <array>
#include <csignal>

#include "summond/metrics/front_counters.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/metrics/vmm_counters.hpp"
#include "summond/metrics/wire_counters.hpp"

namespace summond::roles {
namespace {

using namespace std::chrono_literals;

// -- What they are born with

Birth load_birth(const Estate& estate, const Generation* generation) {
    Birth birth{{},
                {{estate.loaded.config.get(), config_fd},
                 {estate.loaded.image.get(), image_fd},
                 {estate.printed.get(), printed_fd},
                 {estate.loaded.transfers.get(), transfers_fd},
                 {estate.loaded.webhooks.get(), webhooks_fd},
                 {estate.loaded.fleet.get(), fleet_fd},
                 {estate.loaded.online.get(), online_keys_fd}}};
    if (generation != nullptr) {
        birth.arguments.emplace_back("--older-image");
        birth.fds.push_back({generation->image.get(), older_image_fd});
        birth.fds.push_back({generation->transfers.get(), older_transfers_fd});
    }
    return birth;
}

Birth vmm_birth(const Estate& estate, const Generation* generation) {
    Birth birth{{}, {{generation->config.get(), config_fd}}};
    if (estate.simulate)
        birth.arguments.emplace_back("--simulate");
    return birth;
}

Birth wire_birth(const Estate& /*estate*/, const Generation* /*generation*/) {
    return {};
}

Birth control_birth(const Estate& /*estate*/, const Generation* generation) {
    return {{}, {{generation->config.get(), config_fd}}};
}

Birth transfer_birth(const Estate& /*estate*/, const Generation* /*generation*/) {
    return {};
}

Birth signer_birth(const Estate& /*estate*/, const Generation* generation) {
    return {{},
            {{generation->config.get(), config_fd},
             {generation->image.get(), image_fd},
             {generation->online.get(), online_keys_fd}}};
}

Birth notifier_birth(const Estate& /*estate*/, const Generation* generation) {
    return {{}, {{generation->webhooks.get(), config_fd}}};
}

int text_of_webhooks(const Generation& generation) {
    return generation.webhooks.get();
}

Birth fleet_birth(const Estate& /*estate*/, const Generation* generation) {
    return {{}, {{generation->fleet.get(), config_fd}}};
}

int text_of_fleet(const Generation& generation) {
    return generation.fleet.get();
}

Birth front_birth(const Estate& estate, const Generation* generation) {
    const std::vector<int> sockets = open_sockets(*generation);
    Birth birth{{"--sockets=" + std::to_string(sockets.size())},
                {{generation->config.get(), config_fd},
                 {generation->image.get(), image_fd},
                 {estate.cookie_secret.get(), secret_fd}}};
    int next_fd = first_socket_fd;
    for (const int socket : sockets)
        birth.fds.push_back({socket, next_fd++});
    return birth;
}

// -- When they are there

bool always(const Estate& /*estate*/, const Generation& /*generation*/, bool /*before*/) {
    return true;
}

// Once there have been services, there are domains to look after.
bool with_services(const Estate& /*estate*/, const Generation& generation, bool before) {
    return before || generation.services > 0;
}

bool where_packets_wake(const Estate& estate, const Generation& generation, bool /*before*/) {
    return !estate.simulate && generation.wakes_by_packet;
}

bool with_a_socket(const Estate& /*estate*/, const Generation& generation, bool /*before*/) {
    return generation.is_shown();
}

// Once zones have been transferred, some may still be on their way.
bool with_transfers(const Estate& /*estate*/, const Generation& generation, bool before) {
    return before || generation.transferred_zones > 0;
}

// Once there have been some, the front that drains may ask for them.
bool with_online_zones(const Estate& /*estate*/, const Generation& generation, bool before) {
    return before || generation.online_zones > 0;
}

// Once there have been some, it may have something yet that was to be told.
bool with_webhooks(const Estate& /*estate*/, const Generation& generation, bool before) {
    return generation.control != nullptr && (before || generation.has_webhooks);
}

// Once it has been a member, it may have to leave yet.
bool with_fleet(const Estate& /*estate*/, const Generation& generation, bool before) {
    return before || generation.has_fleet;
}

// -- How they end

bool drain_front(proc::Child& child, bool replaced) {
    return child.send(ipc::Drain{replaced ? 1U : 0U});
}

bool terminate(proc::Child& child) {
    child.signal(SIGTERM);
    return true;
}

bool tell_to_stop(proc::Child& child) {
    return child.send(ipc::Stop{});
}

// -- The table

constexpr std::array rows{
    Row{.role = ipc::Role::load, .run = load_main, .birth = load_birth, .kept = {.once = true}},
    // Destroying domains takes seconds each.
    Row{.role = ipc::Role::vmm,
        .run = vmm_main,
        .birth = vmm_birth,
        .wanted = with_services,
        .kept = {.needed = true, .ended_within = 60s},
        .counters = {sizeof(metrics::VmmCounters), 0},
        .is_told_of_reloads = true,
        .end = tell_to_stop},
    // DNS wakes without it, too. Who waits for the daemon waits for the addresses of its services;
    // but not for ever. At the end it has nothing to put in order.
    Row{.role = ipc::Role::wire,
        .run = wire_main,
        .birth = wire_birth,
        .wanted = where_packets_wake,
        .kept = {.ready_within = 30s},
        .isolation = proc::Syscalls::network,
        .counters = {sizeof(metrics::WireCounters), sizeof(metrics::WireGauges)}},
    // Nobody's names or domains depend on it.
    Row{.role = ipc::Role::control,
        .run = control_main,
        .birth = control_birth,
        .wanted = with_a_socket,
        .kept = {.ready_within = 30s},
        .isolation = proc::Syscalls::control,
        .is_told_of_reloads = true,
        .shows = true},
    // Secondaries ask again. Before the front, which is to know it when the first of them asks.
    Row{.role = ipc::Role::transfer,
        .run = transfer_main,
        .birth = transfer_birth,
        .wanted = with_transfers,
        .kept = {.ready_within = 30s},
        .isolation = proc::Syscalls::control,
        .counters = {sizeof(metrics::TransferCounters), sizeof(metrics::TransferCounters::Gauges)},
        .transfers = true},
    // Queries wait for its next one. Before the front, as transfer.
    Row{.role = ipc::Role::signer,
        .run = signer_main,
        .birth = signer_birth,
        .wanted = with_online_zones,
        .kept = {.ready_within = 30s},
        .isolation = proc::Syscalls::control,
        .is_told_of_reloads = true,
        .signs = true},
    // Neither do they depend on whether others hear of them.
    Row{.role = ipc::Role::notifier,
        .run = notifier_main,
        .birth = notifier_birth,
        .wanted = with_webhooks,
        .kept = {.ready_within = 30s},
        .isolation = proc::Syscalls::client,
        .is_told_of_reloads = true,
        .text = text_of_webhooks},
    // Nor whether others do. At the end it takes a moment to say goodbye.
    Row{.role = ipc::Role::fleet,
        .run = fleet_main,
        .birth = fleet_birth,
        .wanted = with_fleet,
        .kept = {.ready_within = 30s, .ended_within = 5s},
        .isolation = proc::Syscalls::client,
        .is_told_of_reloads = true,
        .text = text_of_fleet,
        .end = tell_to_stop},
    // It maps its image and starts threads; one that takes longer is stuck. Clients of a replaced
    // one: parked queries and TCP sessions. At the end: a second for what is on its way, then
    // nobody waits for clients.
    Row{.role = ipc::Role::front,
        .run = front_main,
        .birth = front_birth,
        .wanted = always,
        .kept = {.needed = true, .ready_within = 30s, .drained_within = 30s, .ended_within = 5s},
        .isolation = proc::Syscalls::network,
        .has_sockets = true,
        .counters = {sizeof(metrics::FrontCounters), sizeof(metrics::FrontGauges)},
        .drain = drain_front,
        .end = terminate},
};

constexpr proc::RoleIndex index_of(ipc::Role role) {
    proc::RoleIndex index = 0;
    while (rows.at(index).role != role)
        ++index;
    return index;
}

constexpr std::array pairs{
    proc::Peers{index_of(ipc::Role::front), index_of(ipc::Role::vmm)},
    proc::Peers{index_of(ipc::Role::front), index_of(ipc::Role::transfer)},
    proc::Peers{index_of(ipc::Role::front), index_of(ipc::Role::signer)},
    proc::Peers{index_of(ipc::Role::wire), index_of(ipc::Role::vmm)},
    proc::Peers{index_of(ipc::Role::control), index_of(ipc::Role::vmm)},
    proc::Peers{index_of(ipc::Role::notifier), index_of(ipc::Role::control)},
    proc::Peers{index_of(ipc::Role::fleet), index_of(ipc::Role::control)},
};

}  // namespace

std::span<const Row> table() {
    return rows;
}

std::span<const proc::Peers> peers() {
    return pairs;
}

const Row* row_of(const std::string& name) {
    const auto row = std::ranges::find_if(
        rows, [&name](const Row& each) { return ipc::to_string(each.role) == name; });
    return row == rows.end() ? nullptr : &*row;
}

base::Result<void> Row::isolate(const std::string& user) const {
    return isolation ? proc::isolate(user, *isolation) : base::Result<void>{};
}

}  // namespace summond::roles
