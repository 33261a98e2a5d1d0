// Services with several domains: which of their addresses an answer has.

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "resolution.hpp"
#include "summond/dns/wire.hpp"
#include "summond/service/template.hpp"

namespace summond::answer {

// Those that are ready, the least loaded ones of them; which of these comes first goes by the
// query's id, so that each does as often as the others. None: no domain is. Their zones are not
// signed.
std::optional<Resolution::Step> Resolution::add_replicas(const RRset& rrset) {
    struct Given {
        std::uint32_t load = 0;
        std::uint32_t service = 0;
        const base::IpAddress* address = nullptr;
    };
    const Replicas& replicas = *context_.services[service_].replicas;
    std::array<Given, service::max_replicas> given;
    std::size_t count = 0;
    for (const Replicas::One& one : replicas.all) {
        const auto& address = rrset.type == dns::Type::a ? one.ipv4 : one.ipv6;
        const ServiceState& state = context_.services[one.service];
        if (address && count < given.size() &&
            state.availability.load(std::memory_order_acquire) == Availability::answerable)
            given[count++] = {state.load.load(std::memory_order_relaxed), one.service, &*address};
    }
    if (count == 0)
        return std::nullopt;
    const auto end = given.begin() + static_cast<std::ptrdiff_t>(count);
    std::ranges::sort(given.begin(), end, {},
                      [](const Given& each) { return std::pair(each.load, each.service); });
    count = std::min<std::size_t>(count, replicas.answers);
    while (count > 1 && given[count - 1].load == spare_replica)
        --count;
    for (std::size_t i = 0; i < count; ++i) {
        const Given& one = given[(query_.id + i) % count];
        if (!add_address(rrset, *one.address))
            return truncate();
        mark_asked(one.service);
    }
    return Step::done;
}

// Where none is ready: one that is on its way already, else the first that can be woken. It becomes
// service_. Its address; null: the first one has none in the image.
const base::IpAddress* Resolution::choose_replica(dns::Type type) {
    const auto rank = [&](std::uint32_t service) {
        switch (context_.services[service].availability.load(std::memory_order_acquire)) {
            case Availability::answerable:
            case Availability::starting:
                return 0;
            case Availability::waiting:
                return 1;
            case Availability::asleep:
                return 2;
            case Availability::failed:
                break;
        }
        return 3;
    };
    const base::IpAddress* chosen = nullptr;
    int best = 4;
    for (const Replicas::One& one : context_.services[service_].replicas->all) {
        const auto& address = type == dns::Type::a ? one.ipv4 : one.ipv6;
        const int its_rank = address ? rank(one.service) : best;
        if (its_rank >= best)
            continue;
        best = its_rank;
        chosen = &*address;
        service_ = one.service;
    }
    return chosen;
}

bool Resolution::add_address(const RRset& of, const base::IpAddress& address) {
    const std::uint32_t ttl = dns::get32(of.records() + 6);
    return packet_.add(Section::answer, owner_, of.type, ttl, address.bytes());
}

}  // namespace summond::answer
