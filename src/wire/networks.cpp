// Whole networks of sleeping instances: what is said and done for an address is computed from it.

#include <algorithm>

#include "entry.hpp"
#include "summond/service/instance.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

std::optional<SleepProxy::Resident> SleepProxy::resident(unsigned tap,
                                                         const base::IpAddress& address) const {
    for (const Network& network : networks_) {
        if (network.tap != tap || !network.addresses->prefix().contains(address))
            continue;
        const auto id = network.addresses->id_at(address);
        if (!id || !network.grammar.allows(id->view()))
            return std::nullopt;
        const service::Id instance =
            service::id_of(service::instance_name(network.name, id->view()));
        return Resident{network, instance, service::derived_wide_mac(instance)};
    }
    return std::nullopt;
}

// As answer, for one that nobody has told of.
void SleepProxy::answer_for(const Resident& resident, const frames::Packet& packet,
                            const service::Mac& asker_mac, const base::IpAddress& asker,
                            const base::IpAddress& target) {
    const bool for_it = (packet.to[0] & 1) != 0 || packet.to == resident.mac;
    if (for_it && asker_mac != resident.mac && packet.from != resident.mac)
        actions_.to_bridge(resident.network.tap,
                           frames::answer(resident.mac, target, asker_mac, asker));
}

// A frame to nobody that is known.
void SleepProxy::receive_in_networks(unsigned tap, std::span<const std::uint8_t> frame,
                                     const frames::Packet& packet) {
    const auto* ip = std::get_if<frames::IpPacket>(&packet.what);
    if (ip == nullptr || networks_.empty())
        return;
    const auto found = resident(tap, ip->to);
    if (!found || found->mac != packet.to || find(found->id) != nullptr)
        return;
    const Network& network = found->network;
    Station station{found->id,         tap,           found->mac,      {ip->to}, network.ports,
                    network.wake_from, network.youth, network.by_proof};
    auto entry = std::make_unique<Entry>(std::move(station), totals_->held);
    entry->known = true;
    entry->found_in = network.service;
    if (entry->is_nobodys(*ip)) {
        actions_.to_bridge(tap, frames::refusal(found->mac, packet.from, *ip));
        return;
    }
    if (!entry->wakes(*ip))
        return;
    if (takes_proof(*entry, *ip)) {
        actions_.wake_in(network.service, *ip, true);  // its SYN is still to come, or comes again
        return;
    }
    if (!entry->opens(*ip) || foundlings_ >= Limits::foundlings || !may_wake(*entry, packet, *ip))
        return;
    Entry& waits = *entry;
    ++foundlings_;
    entries_[found->id] = std::move(entry);
    by_mac_[{tap, found->mac}] = &waits;
    by_address_[{tap, ip->to}] = &waits;
    receive(waits, frame, packet);
}

}  // namespace summond::wire
