// What wakes a service besides a query, and whom.
#include <algorithm>
#include <utility>

#include "scalars.hpp"
#include "service.hpp"

namespace summond::config {

namespace {

void read_wake(const Value& value, ServiceDraft& draft) {
    constexpr std::string_view expected = "dns, packet, or [dns, packet]";
    bool dns = false;
    bool packet = false;
    for (const Value& item : value.list_or_one(expected)) {
        const std::string& word = item.node->text;  // empty if it is no scalar
        static_cast<void>(item.word({"dns", "packet"}));
        bool* const known = word == "dns" ? &dns : word == "packet" ? &packet : nullptr;
        if (known == nullptr)
            item.refuse("dns or packet");
        else if (std::exchange(*known, true))
            item.complain(in_quotes(word) + " is there already");
    }
    draft.service.wake_dns = dns || !packet;
    draft.wake_packet = packet;
    draft.wake_where = value.where;
}

// Why no packet can be seen for it; empty: it can.
std::string obstacle(const ServiceDraft& draft) {
    if (draft.interfaces.empty())
        return "it has no network interface";
    if (!draft.interfaces.front().interface.script.empty())
        return "a hotplug script puts its interface where summond does not know its way";
    if (draft.addresses.size() > service::max_addresses)
        return "it has more than " + std::to_string(service::max_addresses) + " addresses";
    if (draft.service.ports.size() > service::max_ports)
        return "it has more than " + std::to_string(service::max_ports) + " ports";
    return {};
}

}  // namespace

void read_wakes(Mapping& mapping, ServiceDraft& draft) {
    if (const auto wake =
            mapping.take({"wake", "what wakes it: queries, packets or both",
                          "[dns, packet]; dns with a script or without an interface"}))
        read_wake(*wake, draft);
    if (const auto from = mapping.take({"wake_from", "whose packets wake it, or any", "any"}))
        draft.service.wake_from = read_networks(*from, "any", service::max_prefixes);
    if (const auto from = mapping.take({"wake_query_from", "whose queries wake it, or any", "any"}))
        draft.service.wake_query_from = read_networks(*from, "any", service::max_prefixes);
    if (const auto by = mapping.take(
            {"wake_by", "whether clients have to show that their address is not forged", "any"})) {
        draft.service.wake_by_proof = by->one_of({"any", "proof"}) == 1U;
        draft.wake_by_where = by->where;
    }
}

void complete_wakes(ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const std::string reason = obstacle(draft);
    draft.service.wake_packet = draft.wake_packet.value_or(true) && reason.empty();
    // Whoever writes a configuration knows what a script means for it; an xl file is older.
    if (draft.by_xl && !draft.wake_packet && !draft.interfaces.empty() && !reason.empty())
        problems.warning_at(draft.places.name,
                            owner + " is not woken by packets, only by queries: " + reason +
                                "; say wake: dns for it");
    if (draft.wake_packet == true && !reason.empty())
        problems.error(draft.wake_where, owner + " cannot be woken by a packet: " + reason +
                                             "; say wake: dns for it");
    // Defaults may say so of services that packets cannot wake.
    if (!draft.service.wake_packet && !draft.service.wake_dns)
        draft.service.wake_dns = true;
    const auto is_tcp = [](const service::Port& port) {
        return port.protocol == service::Protocol::tcp;
    };
    if (draft.service.wake_by_proof && !draft.service.wake_dns && !draft.service.ports.empty() &&
        std::ranges::none_of(draft.service.ports, is_tcp))
        problems.warning(draft.wake_by_where,
                         "wake_by: nobody wakes " + owner +
                             ": no packet to its ports can show whose it is, and queries do not "
                             "wake it; say wake: [dns, packet], or wake_by: any");
}

}  // namespace summond::config
