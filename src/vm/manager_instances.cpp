// Services with an instance for each id: an instance is a service like any other from when somebody
// first asks for it until it has been absent for a moment. What is asleep is in no table.

#include <algorithm>
#include <utility>

#include "leases.hpp"
#include "lifecycle.hpp"
#include "summond/base/log.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

namespace {

// Whether it has an address of its pattern's pool if that has one.
bool is_addressed(const service::Template& of, const std::optional<base::IpAddress>& leased) {
    const auto& pool = of.pattern->pool;
    return pool ? leased && pool->contains(*leased) : !leased;
}

}  // namespace

std::optional<service::Id> Manager::instance(service::Id of, std::string_view id,
                                             service::WakeFailure* why) {
    const auto pattern = patterns_.find(of);
    if (pattern == patterns_.end() || !pattern->second->pattern->has(id))
        return std::nullopt;
    const std::string name = service::instance_name(pattern->second->name, id);
    const service::Id known = service::id_of(name);
    if (const Lifecycle* there = find(known); there != nullptr && there->service().name() == name)
        return known;
    if (instances_.size() >= service::max_instances) {
        spdlog::warn("{} is not woken: {} instances are up, on their way or backing off", name,
                     instances_.size());
        return std::nullopt;
    }
    std::optional<base::IpAddress> leased;
    if (pattern->second->pattern->pool) {
        leased = leases_->lease(*pattern->second, name);
        if (!leased) {
            if (!std::exchange(pool_full_, true))
                spdlog::warn("{} is not woken: all {} IPv4 addresses of its pool are leased", name,
                             pattern->second->pattern->pool->size());
            if (why != nullptr)
                *why = service::WakeFailure::no_address;
            return std::nullopt;
        }
        pool_full_ = false;
    }
    service::Instance made = service::instance_of(pattern->second, id, leased);
    if (const Lifecycle* other = resembling(made)) {
        leases_->end(known, clock_.now());
        spdlog::warn("{} is not woken: it has the address, the MAC or the UUID of {}", name,
                     other->service().name());
        return std::nullopt;
    }
    instances_.emplace(known, of);
    configured_.insert(known);
    add(made);
    if (told_instance_)
        told_instance_(made, true);
    return known;
}

// Whoever chooses ids can choose two of which something is the same: digests are no secret.
const Lifecycle* Manager::resembling(const service::Instance& made) const {
    for (const auto& [id, lifecycle] : lifecycles_) {
        const service::Instance& other = lifecycle->service();
        const auto same_mac = [&](std::size_t i) {
            return i < made->interfaces.size() && i < other->interfaces.size() &&
                   made.mac(i) == other.mac(i);
        };
        if (id == made.id() || made.ipv6() == other.ipv6() || same_mac(0) || same_mac(1))
            return lifecycle.get();
    }
    return nullptr;
}

std::vector<service::Instance> Manager::instances() const {
    std::vector<service::Instance> all;
    for (const auto& [id, of] : instances_)
        all.push_back(find(id)->service());
    return all;
}

// The settings of those that there are, from now on; those that there are to be no more are as
// services that are configured no more.
void Manager::reconfigure_instances() {
    for (const auto& [id, of] : instances_) {
        Lifecycle& lifecycle = *find(id);
        const auto pattern = patterns_.find(of);
        const std::string& label = lifecycle.service().label();
        if (pattern == patterns_.end() || !pattern->second->pattern->has(label))
            continue;
        const auto leased = leases_->of(id);
        if (!is_addressed(*pattern->second, leased))
            continue;  // woken again, it has another one, or none
        leases_->set_ttl(id, pattern->second->ttl);
        configured_.insert(id);
        lifecycle.reconfigure(service::instance_of(pattern->second, label, leased));
    }
}

// Those that are leased are there from the start, so that packets to them find somebody.
void Manager::remember_leases(const Remembered& remembered) {
    leases_->remember(remembered.leases, remembered.leases_lost);
    for (const Lease& lease : remembered.leases)
        for (const auto& [id, pattern] : patterns_)
            if (const auto label = service::label_in(lease.name, pattern->name);
                label && pattern->pattern->pool && pattern->pattern->pool->contains(lease.address))
                instance(id, *label);
}

void Manager::leases_kept(std::uint64_t number) {
    for (const service::Id id : leases_->kept(number))
        if (find(id) != nullptr)
            publish(id);
    follow_up_due_ = true;
}

service::Pools Manager::pools() const {
    return leases_->use();
}

// By the name that an earlier process has marked it with. One whose address is not known to be its
// own may have that of another one, which was woken later.
Lifecycle* Manager::adoptive(const Found& domain) {
    for (const auto& [id, pattern] : patterns_)
        if (const auto label = service::label_in(domain.name, pattern->name);
            label && service::id_of(domain.name) == domain.service &&
            is_addressed(*pattern, leases_->of(domain.service)))
            if (const auto known = instance(id, *label); known == domain.service)
                return find(*known);
    return nullptr;
}

void Manager::meter_instances() {
    for (const auto& [id, of] : instances_) {
        const Lifecycle& lifecycle = *find(id);
        if (!lifecycle.in<Lifecycle::Ready>() || !metered_.insert(id).second)
            continue;
        if (const auto r = hypervisor_.traffic_meter().count_also(lifecycle.service()); !r)
            spdlog::error("the traffic of {} cannot be counted, so it is not put away: {}",
                          lifecycle.service().name(), r.error().what);
    }
}

// One that has an address is there until nobody goes by an answer with it any more.
std::optional<base::TimePoint> Manager::forgettable_at(service::Id instance) const {
    const Lifecycle& lifecycle = *find(instance);
    const auto at = lifecycle.forgettable_at();
    if (!at || !leases_->of(instance) || lifecycle.retired())
        return at;
    return std::max(*at, lifecycle.unused_since() + std::chrono::seconds(leases_->ttl(instance)) +
                             Leases::margin);
}

void Manager::forget_instances() {
    const auto now = clock_.now();
    std::erase_if(instances_, [&](const auto& entry) {
        const service::Id id = entry.first;
        const auto at = forgettable_at(id);
        if (!at || now < *at)
            return false;
        leases_->end(id, find(id)->unused_since());
        if (metered_.erase(id) > 0)
            hypervisor_.traffic_meter().forget(id);
        if (told_instance_)
            told_instance_(find(id)->service(), false);
        busy_.erase(id);
        lifecycles_.erase(id);
        configured_.erase(id);
        unkept_.erase(id);
        kept_.erase(id);
        ledger_.forget(id);
        return true;
    });
}

}  // namespace summond::vm
