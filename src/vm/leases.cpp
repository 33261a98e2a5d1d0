#include "leases.hpp"

#include <algorithm>

#include "summond/base/log.hpp"

namespace summond::vm {

using std::chrono::seconds;

void Leases::configure(const std::vector<const service::Template*>& patterns) {
    addresses_ = 0;
    longest_ttl_ = 0;
    for (const service::Template* of : patterns) {
        if (!of->pattern->pool)
            continue;
        addresses_ += of->pattern->pool->size();
        longest_ttl_ = std::max(longest_ttl_, of->ttl);
    }
}

void Leases::remember(const std::vector<Lease>& leases, bool others_lost) {
    const auto now = clock_.now();
    for (const Lease& lease : leases) {
        Held held{service::id_of(lease.name), lease, 0, true, std::nullopt};
        held.until = end_of(held, now);
        of_.insert_or_assign(held.instance, lease.address);
        leases_.insert_or_assign(lease.address, std::move(held));
    }
    if (!others_lost || addresses_ == 0)
        return;
    unknown_until_ = now + seconds(longest_ttl_) + margin;
    spdlog::warn(
        "which IPv4 addresses were leased is not known: none is, before answers of before are over "
        "in {} s",
        longest_ttl_ + margin.count());
}

Leases::Held* Leases::find(service::Id instance) {
    const auto address = of_.find(instance);
    return address == of_.end() ? nullptr : &leases_.at(address->second);
}

const Leases::Held* Leases::find(service::Id instance) const {
    const auto address = of_.find(instance);
    return address == of_.end() ? nullptr : &leases_.at(address->second);
}

void Leases::tell(Held& held) {
    held.number = ++told_;
    held.kept = false;
    ledger_.lease(held.lease, held.number);
}

std::optional<base::IpAddress> Leases::lease(const service::Template& of, std::string_view name) {
    tick();
    const service::Pool& pool = *of.pattern->pool;
    const service::Id instance = service::id_of(name);
    Held* held = find(instance);
    if (held != nullptr && pool.contains(held->lease.address) && held->lease.name == name) {
        held->until.reset();
        set_ttl(instance, of.ttl);
        return held->lease.address;
    }
    if (held != nullptr && !held->until)  // another one, of which the digest is the same
        return std::nullopt;
    // Of a pool that was another meanwhile.
    for (auto& [address, own] : leases_) {
        if (!own.until || own.lease.name != name || !pool.contains(address))
            continue;
        own.until.reset();
        of_.insert_or_assign(instance, address);
        set_ttl(instance, of.ttl);
        return address;
    }
    if (unknown_until_)
        return std::nullopt;
    // Where it begins to look follows from the name: mostly it is the address that it had before.
    const std::uint32_t size = pool.size();
    for (std::uint32_t i = 0; i < size; ++i) {
        const auto address = pool.at(static_cast<std::uint32_t>((instance + i) % size));
        if (leases_.contains(address))
            continue;
        Held made{instance, {address, std::string(name), of.ttl}, 0, false, std::nullopt};
        tell(made);
        of_.insert_or_assign(instance, address);
        leases_.emplace(address, std::move(made));
        return address;
    }
    return std::nullopt;
}

void Leases::end(service::Id instance, base::TimePoint given_at) {
    Held* const held = find(instance);
    if (held == nullptr)
        return;
    held->until = end_of(*held, given_at);
    tick();
}

std::optional<base::IpAddress> Leases::of(service::Id instance) const {
    const Held* const held = find(instance);
    return held == nullptr ? std::nullopt : std::optional(held->lease.address);
}

std::optional<base::IpAddress> Leases::kept_of(service::Id instance) const {
    const Held* const held = find(instance);
    return held == nullptr || !held->kept || held->until ? std::nullopt
                                                         : std::optional(held->lease.address);
}

std::uint32_t Leases::ttl(service::Id instance) const {
    const Held* const held = find(instance);
    return held == nullptr ? 0 : held->lease.ttl;
}

void Leases::set_ttl(service::Id instance, std::uint32_t ttl) {
    Held* const held = find(instance);
    if (held == nullptr || held->lease.ttl >= ttl)
        return;
    held->lease.ttl = ttl;
    tell(*held);
}

std::vector<service::Id> Leases::kept(std::uint64_t number) {
    std::vector<service::Id> changed;
    for (auto& [address, held] : leases_) {
        if (number == 0) {
            if (held.kept)
                changed.push_back(held.instance);
            tell(held);
        } else if (!held.kept && held.number <= number) {
            held.kept = true;
            changed.push_back(held.instance);
        }
    }
    return changed;
}

std::optional<base::TimePoint> Leases::deadline() const {
    std::optional<base::TimePoint> next = unknown_until_;
    for (const auto& [address, held] : leases_)
        if (held.until)
            next = next ? std::min(*next, *held.until) : held.until;
    return next;
}

void Leases::tick() {
    const auto now = clock_.now();
    if (unknown_until_ && now >= *unknown_until_)
        unknown_until_.reset();
    std::erase_if(leases_, [&](const auto& entry) {
        const auto& [address, held] = entry;
        if (!held.until || now < *held.until)
            return false;
        if (const auto own = of_.find(held.instance); own != of_.end() && own->second == address)
            of_.erase(own);
        ledger_.release(address);
        return true;
    });
}

}  // namespace summond::vm
