#include "replicas.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "scalars.hpp"

namespace summond::config {
namespace {

constexpr std::uint64_t most_packets = 100'000'000;
// With `:15` behind it, a name has room wherever those of services have.
constexpr std::size_t max_name = 60;

// "2000/s".
std::uint64_t read_rate(const Value& value) {
    constexpr std::string_view expected =
        "packets in a second, from 1/s to 100000000/s, such as 2000/s";
    value.takes(number_pattern(1, most_packets) + " ?/s");
    std::string_view text = value.node->text;  // empty if it is no scalar
    if (text.ends_with("/s")) {
        text.remove_suffix(2);
        if (text.ends_with(' '))
            text.remove_suffix(1);
        const auto number = parse_number(text);
        if (number && *number >= 1 && *number <= most_packets)
            return *number;
    }
    value.refuse(expected);
    return 1;
}

void read_mark(const Value& value, service::Replicas& replicas) {
    auto mapping = Mapping::of(value, "replicas.add_at.", "a mapping, such as {packets: 2000/s}");
    if (!mapping)
        return;
    if (const auto packets =
            mapping->require({"packets", "to each of those that are up, such as 2000/s"},
                             "replicas.add_at", "say from how many on, such as packets: 2000/s"))
        replicas.add_at = read_rate(*packets);
    mapping->refuse_rest();
}

void check_addresses(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const std::uint32_t count = draft.service.replicas->count;
    const auto check = [&](std::size_t has, const char* family) {
        if (!draft.addresses_complete || has == 0 || has == count)
            return;
        problems.error(draft.addresses.front().where,
                       "addresses: " + owner + " has " + std::to_string(has) + " of " + family +
                           " for " + std::to_string(count) +
                           " replicas; list one for each of them, or set replicas.max to " +
                           std::to_string(has));
    };
    check(draft.service.ipv4.size(), "IPv4");
    check(draft.service.ipv6.size(), "IPv6");
}

// What cannot be said of several domains at once.
void refuse_for_several(const ServiceDraft& draft, const std::string& owner, Problems& problems) {
    const service::Template& service = draft.service;
    const auto refuse = [&](const Location& where, const std::string& what) {
        problems.error_at(where.line == 0 ? draft.replicas_where : where, what);
    };
    if (draft.is_pattern)
        refuse({}, "replicas: " + owner +
                       " has ids, and each of them is one domain; leave one of the two out");
    if (service.name.size() > max_name)
        refuse(draft.places.name, "name: of a service with replicas, at most " +
                                      std::to_string(max_name) + " characters; shorten it");
    if (service.min > 0)
        refuse({}, "min: how many of " + owner +
                       " are always up is said in replicas: {min: 1}; leave it out beside that");
    if (draft.interfaces.empty())
        refuse(draft.interfaces_where, "replicas: without a network interface " + owner +
                                           " has no traffic that says how many it takes; leave "
                                           "replicas out");
    for (const ServiceDraft::Interface& each : draft.interfaces) {
        if (each.has_mac)
            refuse(each.mac_where,
                   "mac: each of the replicas of " + owner + " has its own; leave it out");
        if (!each.interface.vifname.empty())
            refuse({}, "vifname: one interface can have the name, and " + owner +
                           " has several domains; leave it out");
    }
    if (!service.shares.empty())
        refuse({}, "p9: all replicas of " + owner +
                       " would write to the same directories; leave p9 or replicas out");
    for (std::size_t i = 0; i < service.disks.size(); ++i)
        if (service.disks[i].writable)
            refuse(draft.places.disks[i], "disks: all replicas of " + owner + " would write to " +
                                              service.disks[i].path + "; say mode: r");
}

// Of its addresses of a family, the one that is this replica's.
void keep_one(std::vector<base::IpAddress>& addresses, std::uint32_t number) {
    if (number < addresses.size())
        addresses = {addresses[number]};
    else
        addresses.clear();
}

}  // namespace

void read_replicas(const Value& value, ServiceDraft& draft) {
    auto mapping =
        Mapping::of(value, "replicas.", "a mapping, such as {max: 4, add_at: {packets: 2000/s}}");
    if (!mapping)
        return;
    service::Replicas replicas;
    draft.replicas_where = value.problems->at(value.where);
    const auto max = mapping->require({"max", "how many domains it has at most"}, "replicas",
                                      "say how many there are at most, such as max: 4");
    const auto count = max ? max->number(1, service::max_replicas) : std::nullopt;
    replicas.count = static_cast<std::uint32_t>(count.value_or(service::max_replicas));
    replicas.answers = replicas.count;
    if (const auto min = mapping->take({"min", "so many are always up", "0"})) {
        replicas.min =
            static_cast<std::uint32_t>(min->number(0, service::max_replicas).value_or(0));
        if (replicas.min > replicas.count)
            min->complain(std::to_string(replicas.min) + " is more than max, " +
                          std::to_string(replicas.count));
    }
    if (const auto mark = mapping->require(
            {"add_at", "what each that is up has to do when another one is woken"}, "replicas",
            "say when another one is woken, such as add_at: {packets: 2000/s}"))
        read_mark(*mark, replicas);
    if (const auto answers =
            mapping->take({"answers", "how many of their addresses an answer has at most", "max"}))
        replicas.answers = static_cast<std::uint32_t>(
            answers->number(1, service::max_replicas).value_or(replicas.answers));
    mapping->refuse_rest();
    if (count)
        draft.service.replicas = replicas;
}

std::vector<ServiceDraft> replicas_of(ServiceDraft draft, const std::string& owner,
                                      Problems& problems) {
    std::vector<ServiceDraft> drafts;
    if (!draft.service.replicas) {
        drafts.push_back(std::move(draft));
        return drafts;
    }
    check_addresses(draft, owner, problems);
    refuse_for_several(draft, owner, problems);
    draft.service.replicas->of = draft.service.id;
    const std::uint32_t count = draft.is_pattern ? 1 : draft.service.replicas->count;
    for (std::uint32_t i = 0; i < count; ++i) {
        ServiceDraft& one = drafts.emplace_back(draft);
        service::Template& service = one.service;
        service.replicas->number = i;
        service.min = i < service.replicas->min ? 1 : 0;
        if (draft.is_pattern)
            continue;
        keep_one(service.ipv4, i);
        keep_one(service.ipv6, i);
        std::erase_if(one.addresses, [&](const ServiceDraft::Address& each) {
            return std::ranges::find(service.ipv4, each.address) == service.ipv4.end() &&
                   std::ranges::find(service.ipv6, each.address) == service.ipv6.end();
        });
        if (i == 0)
            continue;
        if (!service.name.empty()) {
            service.name += ":" + std::to_string(i);
            service.id = service::id_of(service.name);
        }
        // It answers to the names of the first one, and the windows are that one's.
        service.names.clear();
        one.places.names.clear();
        service.keep.clear();
        one.places.zones.clear();
    }
    return drafts;
}

}  // namespace summond::config
