// Spares given to wakes, and given back; what all of them take meanwhile.
#include <algorithm>
#include <utility>

#include "standby.hpp"
#include "summond/base/log.hpp"
#include "summond/service/shell.hpp"

namespace summond::vm {
namespace {

// After a wake: its client has the machine to itself for a while.
constexpr std::chrono::seconds refill_delay{2};

}  // namespace

Standby::Spares::const_iterator Standby::waiting(service::Id service) const {
    return std::ranges::find_if(spares_, [&](const Spare& each) {
        return each.service().id() == service && each.is<Waiting>();
    });
}

std::unique_ptr<Domain> Standby::take(const service::Instance& service) {
    if (auto copy = take_one(service.id()))
        return copy;
    const auto shell = service::shell_of(service);
    auto taken = shell ? take_one(shell->id()) : nullptr;
    if (taken)
        taken->become(service);
    return taken;
}

std::unique_ptr<Domain> Standby::take_one(service::Id service) {
    const auto found = waiting(service);
    if (found == spares_.end())
        return nullptr;
    const auto taken = spares_.erase(found, found);  // as one that can be changed
    auto domain = std::move(taken->domain);
    spares_.erase(taken);
    refill_at_ = clock_.now() + refill_delay;
    return domain;
}

std::optional<DomId> Standby::booted(service::Id service) const {
    const auto found = waiting(service);
    if (found == spares_.end() || found->service()->standby.stage != service::StandbyStage::booted)
        return std::nullopt;
    return found->domain->domid();
}

bool Standby::give_back() {
    auto found = std::ranges::find_if(spares_, [](const Spare& each) {
        return each.is<Waiting>() && service::is_shell(each.service());
    });
    if (found == spares_.end())
        found = std::ranges::find_if(spares_, &Spare::is<Waiting>);
    if (found == spares_.end())
        found = std::ranges::find_if_not(spares_, &Spare::leaves);
    if (found == spares_.end())
        return false;
    spdlog::info("destroying a standby copy of {}: domid {}, its memory is needed",
                 found->service().name(), found->domain->domid());
    discard(found);
    return true;
}

// Those that will be there for a while.
unsigned Standby::count(service::Id service) const {
    return static_cast<unsigned>(std::ranges::count_if(spares_, [&](const Spare& each) {
        return each.service().id() == service && !each.leaves();
    }));
}

service::Shells Standby::shells() const {
    service::Shells shells;
    for (const auto& [id, want] : wanted_) {
        if (!service::is_shell(want.service))
            continue;
        shells.wanted += want.service->standby.count;
        shells.there += count(id);
        shells.kib += memory_kib(id);
    }
    return shells;
}

std::uint64_t Standby::memory_kib() const {
    std::uint64_t sum = 0;
    for (const Spare& each : spares_)
        sum += service::footprint_kib(*each.service());
    return sum;
}

std::uint64_t Standby::memory_kib(service::Id service) const {
    std::uint64_t sum = 0;
    for (const Spare& each : spares_)
        if (each.service().id() == service)
            sum += service::footprint_kib(*each.service());
    return sum;
}

std::uint64_t Standby::leaving_kib() const {
    std::uint64_t sum = 0;
    for (const Spare& each : spares_)
        if (each.leaves())
            sum += service::footprint_kib(*each.service());
    return sum;
}

unsigned Standby::leaving() const {
    return static_cast<unsigned>(std::ranges::count_if(spares_, &Spare::leaves));
}

}  // namespace summond::vm
