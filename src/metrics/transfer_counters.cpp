#include "summond/metrics/transfer_counters.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace summond::metrics {
namespace {

constexpr std::uint64_t ipv6 = 65536;

}  // namespace

base::Endpoint TransferCounters::Secondary::endpoint() const {
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < 2; ++i) {
        const std::uint64_t half = address[i].get();
        std::memcpy(&octets[i * sizeof half], &half, sizeof half);
    }
    const std::uint64_t word = port.get();
    const auto ip = word & ipv6 ? base::IpAddress::v6(octets)
                                : base::IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
    return {ip, static_cast<std::uint16_t>(word)};
}

TransferCount::TransferCount(TransferCounters* counters) : counters_(counters) {
    if (counters_ == nullptr)
        return;
    const auto used = std::min<std::size_t>(counters_->secondaries.get(), max_counted_secondaries);
    for (std::size_t i = 0; i < used; ++i)
        index_.emplace(counters_->secondary[i].endpoint().to_string(), i);
}

// None: there is no room for it, or nothing is counted.
std::optional<std::size_t> TransferCount::index_of(const base::Endpoint& secondary) {
    if (counters_ == nullptr)
        return std::nullopt;
    const auto [entry, is_new] = index_.try_emplace(secondary.to_string(), index_.size());
    if (!is_new)
        return entry->second;
    if (entry->second == max_counted_secondaries) {
        index_.erase(entry);
        return std::nullopt;
    }
    auto& counters = counters_->secondary[entry->second];
    std::array<std::uint64_t, 2> halves{};
    std::memcpy(halves.data(), secondary.address.bytes().data(), secondary.address.bytes().size());
    counters.address[0].set(halves[0]);
    counters.address[1].set(halves[1]);
    counters.port.set(secondary.port | (secondary.address.is_v6() ? ipv6 : 0));
    // Killed between the two, the next one uses the same place.
    counters_->secondaries.set(index_.size());
    return entry->second;
}

void TransferCount::in_progress(int change) {
    if (counters_ == nullptr)
        return;
    Gauge& gauge = counters_->now.in_progress;
    gauge.set(gauge.get() + static_cast<std::uint64_t>(change));
}

void TransferCount::connections(std::size_t now) {
    if (counters_ != nullptr)
        counters_->now.connections.set(now);
}

void TransferCount::transferred(TransferKind kind, bool complete, std::uint64_t octets) {
    if (counters_ == nullptr)
        return;
    counters_->transfers[static_cast<std::size_t>(kind)][complete ? 0 : 1].add();
    counters_->octets.add(octets);
}

void TransferCount::refused(TransferRefusal why) {
    if (counters_ != nullptr && why != TransferRefusal::none)
        counters_->refusals[static_cast<std::size_t>(why) - 1].add();
}

void TransferCount::no_room() {
    if (counters_ != nullptr)
        counters_->no_room.add();
}

void TransferCount::notified(const base::Endpoint& secondary) {
    if (const auto index = index_of(secondary))
        counters_->secondary[*index].sent.add();
}

void TransferCount::notified(const base::Endpoint& secondary, NotifyResult result) {
    if (const auto index = index_of(secondary))
        counters_->secondary[*index].results[static_cast<std::size_t>(result)].add();
}

void TransferCount::waiting(const std::vector<base::Endpoint>& configured,
                            const std::vector<base::Endpoint>& waiting) {
    if (counters_ == nullptr)
        return;
    std::array<std::uint64_t, max_counted_secondaries> is_configured{};
    std::array<std::uint64_t, max_counted_secondaries> zones{};
    for (const base::Endpoint& secondary : configured)
        if (const auto index = index_of(secondary))
            is_configured[*index] = 1;
    for (const base::Endpoint& secondary : waiting)
        if (const auto index = index_of(secondary))
            ++zones[*index];
    for (std::size_t i = 0; i < max_counted_secondaries; ++i) {
        counters_->now.secondary[i].configured.set(is_configured[i]);
        counters_->now.secondary[i].waiting.set(zones[i]);
    }
}

}  // namespace summond::metrics
