#include "summond/host/traffic_meter.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <map>
#include <string_view>
#include <utility>

#include "meter_rules.hpp"
#include "summond/base/log.hpp"

namespace summond::host {
namespace {

namespace json = boost::json;

constexpr std::string_view traffic_table = "bridge summond";
constexpr std::string_view counter_prefix = "s";

// One that has less time left has sent a SYN and no more, or will not be kept in a moment. (The
// kernel does not tell what time an element was last given.)
constexpr std::chrono::seconds half_open{60};

std::chrono::seconds in_seconds(std::chrono::milliseconds time) {
    return std::chrono::floor<std::chrono::seconds>(time);
}

std::string counter_name(service::Id service) {
    return fmt::format("{}{:016x}", counter_prefix, service);
}

// What does not count though it is IP: neighbour discovery says only that the peer still remembers
// the address (RFC 4861 §7.3).
constexpr char no_discovery[] =
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, "
    "nd-redirect } return";

// A chain of each policy that services have: which one is a service's.
using Policies = std::map<std::string, std::string>;

std::string chain_of(const service::Instance& service, Policies& policies) {
    const std::string name = fmt::format("policy{}", policies.size());
    return policies.try_emplace(meter_policy(*service), name).first->second;
}

std::string chain(const std::string& name, const std::string& rules) {
    return fmt::format("chain {} {{\n{}}}\n", name, rules);
}

// Frames to one of a service's MACs that carry IP: ARP has another ether type; multicast, broadcast
// and what the bridge floods for somebody else have another destination. forward: from another port
// of the bridge; output: from dom0 itself; prerouting: what guests say; input: to dom0 itself,
// where nobody has asked for the answers to our probes, so that dom0's kernel would reset them.
std::string bridge_table(const std::vector<service::Instance>& services,
                         const std::string& connections, Policies& policies) {
    std::string counters;
    std::string guests;
    std::string counted;
    std::string ruled;
    for (const auto& service : services) {
        bool has_interface = false;
        for (std::size_t i = 0; i < service->interfaces.size(); ++i) {
            if (!service->interfaces[i].script.empty())
                continue;
            has_interface = true;
            const std::string mac = service::to_string(service.mac(i));
            guests += mac + ", ";
            counted += fmt::format("{} : \"{}\", ", mac, counter_name(service.id()));
            ruled += fmt::format("{} : jump {}, ", mac, chain_of(service, policies));
        }
        if (has_interface)
            counters += fmt::format("counter {} {{ comment \"{}\"; }}\n",
                                    counter_name(service.id()), service.name());
    }
    if (guests.empty())
        return {};
    std::string chains;
    for (const auto& [rules, name] : policies)
        chains += chain(name, rules);
    return fmt::format(R"(table {0} {{
{1}set guests {{ type ether_addr
elements = {{ {2} }} }}
map services {{ type ether_addr : counter
elements = {{ {3} }} }}
{4}chain hit {{
    counter name ether daddr map @services
}}
{5}map policies {{ type ether_addr : verdict
elements = {{ {6} }} }}
chain count {{
    {7}
    ether type {{ ip, ip6 }} ether daddr vmap @policies
}}
chain forwarded {{ type filter hook forward priority -300; policy accept; jump count; }}
chain local {{ type filter hook output priority -300; policy accept; jump count; }}
chain said {{ type filter hook prerouting priority -300; policy accept; ether saddr @guests jump from_guest; }}
chain probed {{ type filter hook input priority -300; policy accept; ether saddr @guests tcp dport {8}-{9} drop; }}
}}
{10})",
                       traffic_table, counters, guests, counted, meter_sets(), chains, ruled,
                       no_discovery, first_probe_port, last_probe_port, connections);
}

// The same for one interface, as its last packets before the guest and the first after it. May be
// there from before a kill.
std::string interface_chain(const std::string& interface, const std::string& mac,
                            const service::Instance& service) {
    std::string chain;  // letters and digits are all that nftables takes
    for (const char c : interface)
        chain += fmt::format("{:02x}", c);
    return fmt::format(R"(table netdev summond {{
counter {1} {{ }}
map services {{ type ether_addr : counter; }}
{5}chain hit {{
    counter name ether daddr map @services
}}
chain to{0} {{ }}
chain at{0} {{ type filter hook egress device "{2}" priority 0; policy accept; }}
chain of{0} {{ type filter hook ingress device "{2}" priority 0; policy accept; }}
}}
flush chain netdev summond stray
flush chain netdev summond from_guest
flush chain netdev summond hit
flush chain netdev summond to{0}
flush chain netdev summond at{0}
flush chain netdev summond of{0}
add element netdev summond services {{ {3} : "{1}" }}
table netdev summond {{
{5}chain hit {{
    counter name ether daddr map @services
}}
chain to{0} {{
{6}}}
chain at{0} {{
    {4}
    ether daddr {3} ether type {{ ip, ip6 }} jump to{0}
}}
chain of{0} {{
    ether saddr {3} jump from_guest
}}
}}
)",
                       chain, counter_name(service.id()), interface, mac, no_discovery,
                       meter_sets(), meter_policy(*service));
}

vm::Traffic traffic(const json::object& counter) {
    vm::Traffic result;
    const std::string_view name(counter.at("name").as_string());
    std::from_chars(name.data() + counter_prefix.size(), name.data() + name.size(), result.service,
                    16);
    result.packets = counter.at("packets").to_number<std::uint64_t>();
    return result;
}

}  // namespace

TrafficMeter::~TrafficMeter() {
    if (begun_)
        (void)nft_.run(without_table(traffic_table));
    if (netdev_table_)
        (void)nft_.run("delete table netdev summond");
}

base::Result<void> TrafficMeter::count(const std::vector<service::Instance>& services) {
    services_.clear();
    watches_connections_ = false;
    for (const service::Instance& service : services) {
        services_.insert_or_assign(service.id(), service);
        watches_connections_ |= service->keep_connections.count() > 0;
    }
    // Connections that are open go on being known.
    std::string connections;
    if (watches_connections_)
        for (const Connection& open : read_connections("bridge")) {
            const service::Instance* service = service_with(open.mac);
            const auto most = service == nullptr ? std::chrono::seconds(0)
                                                 : in_seconds((*service)->keep_connections);
            if (most > half_open)
                connections += fmt::format(
                    "add element {} open{} {{ {} . {} . {} . {} timeout {}s expires {}s }}\n",
                    traffic_table, open.address.find(':') == std::string::npos ? "4" : "6",
                    open.mac, open.address, open.port, open.own_port, most.count(),
                    std::min(open.expires, most - std::chrono::seconds(1)).count());
        }
    policies_.clear();
    const std::string wanted = bridge_table(services, connections, policies_);
    if (begun_ && wanted.empty() && !bridge_table_)
        return {};
    if (const auto r = nft_.run(without_table(traffic_table) + wanted); !r)  // one transaction
        return tl::make_unexpected(r.error());
    begun_ = true;
    bridge_table_ = !wanted.empty();
    return {};
}

base::Result<void> TrafficMeter::count_also(const service::Instance& service) {
    if (!bridge_table_) {  // it is the first
        std::vector<service::Instance> all{service};
        for (const auto& [id, known] : services_)
            all.push_back(known);
        return count(all);
    }
    const std::size_t known = policies_.size();
    const std::string name = chain_of(service, policies_);
    std::string commands;
    if (policies_.size() > known)
        commands =
            fmt::format("table {} {{\n{}}}\n", traffic_table, chain(name, meter_policy(*service)));
    commands += fmt::format("add counter {} {} {{ comment \"{}\"; }}\n", traffic_table,
                            counter_name(service.id()), service.name());
    for (std::size_t i = 0; i < service->interfaces.size(); ++i)
        commands += fmt::format(
            "add element {0} guests {{ {1} }}\nadd element {0} services {{ {1} : \"{2}\" }}\n"
            "add element {0} policies {{ {1} : jump {3} }}\n",
            traffic_table, service::to_string(service.mac(i)), counter_name(service.id()), name);
    if (const auto r = nft_.run(commands); !r) {  // one transaction
        if (policies_.size() > known)
            policies_.erase(meter_policy(*service));
        return tl::make_unexpected(r.error());
    }
    services_.insert_or_assign(service.id(), service);
    watches_connections_ |= service->keep_connections.count() > 0;
    return {};
}

void TrafficMeter::forget(service::Id service) {
    const auto known = services_.find(service);
    if (known == services_.end())
        return;
    std::string commands;
    for (std::size_t i = 0; i < known->second->interfaces.size(); ++i)
        for (const char* set : {"guests", "services", "policies"})
            commands += fmt::format("delete element {} {} {{ {} }}\n", traffic_table, set,
                                    service::to_string(known->second.mac(i)));
    commands += fmt::format("delete counter {} {}\n", traffic_table, counter_name(service));
    services_.erase(known);
    if (const auto r = nft_.run(commands); !r)
        spdlog::warn("a counter of traffic is left behind: {}", r.error().what);
}

base::Result<void> TrafficMeter::count_at(const std::string& interface, const std::string& mac,
                                          service::Id service) {
    // Newer kernels take the chain also for an interface that is not there.
    const auto known = services_.find(service);
    const auto r = ::if_nametoindex(interface.c_str()) == 0
                       ? base::Result<std::string>(base::error("there is no " + interface))
                   : known == services_.end()
                       ? base::Result<std::string>(base::error("it is of no service"))
                       : nft_.run(interface_chain(interface, mac, known->second));
    if (!r) {
        uncounted_.insert(service);
        return tl::make_unexpected(r.error());
    }
    uncounted_.erase(service);
    netdev_table_ = true;
    return {};
}

// Empty also where there is none, or no such table.
std::vector<TrafficMeter::Connection> TrafficMeter::read_connections(std::string_view family) {
    std::vector<Connection> found;
    for (const char* set : {"open4", "open6"}) {
        const auto output = nft_.run(fmt::format("list set {} summond {}", family, set));
        if (!output)
            continue;
        try {
            const json::value document = json::parse(*output);
            for (const json::value& item : document.at("nftables").as_array()) {
                const json::value* listed = item.as_object().if_contains("set");
                const json::value* elements =
                    listed == nullptr ? nullptr : listed->as_object().if_contains("elem");
                if (elements == nullptr)
                    continue;
                for (const json::value& element : elements->as_array()) {
                    const json::object& elem = element.at("elem").as_object();
                    const json::array& key = elem.at("val").at("concat").as_array();
                    const std::chrono::seconds expires(elem.at("expires").to_number<int>());
                    if (expires > half_open)
                        found.push_back({std::string(key.at(0).as_string()),
                                         std::string(key.at(1).as_string()),
                                         key.at(2).to_number<std::uint16_t>(),
                                         key.at(3).to_number<std::uint16_t>(), expires});
                }
            }
        } catch (const std::exception&) {
            continue;
        }
    }
    return found;
}

base::Result<std::vector<vm::Traffic>> TrafficMeter::read() {
    std::map<service::Id, vm::Traffic> traffic_of;
    for (const char* family : {bridge_table_ ? "bridge" : "", netdev_table_ ? "netdev" : ""}) {
        if (*family == 0)
            continue;
        const auto output = nft_.run(fmt::format("list counters table {} summond", family));
        if (!output)
            return tl::make_unexpected(output.error());
        try {
            const json::value document = json::parse(*output);
            for (const json::value& item : document.at("nftables").as_array()) {
                if (const json::value* counter = item.as_object().if_contains("counter")) {
                    const vm::Traffic counted = traffic(counter->as_object());
                    traffic_of[counted.service].packets += counted.packets;
                }
            }
        } catch (const std::exception& e) {
            return base::error(std::string("nftables: unexpected output: ") + e.what());
        }
        if (watches_connections_)
            for (const Connection& open : read_connections(family))
                if (const service::Instance* service = service_with(open.mac)) {
                    auto& silent = traffic_of[service->id()].connection_silent;
                    // Whole seconds are told, rounded down.
                    const base::Duration since =
                        std::max(in_seconds((*service)->keep_connections) - open.expires -
                                     std::chrono::seconds(1),
                                 std::chrono::seconds(0));
                    silent = silent ? std::min(*silent, since) : since;
                }
    }
    std::vector<vm::Traffic> result;
    for (auto& [service, counted] : traffic_of) {
        counted.service = service;
        if (!uncounted_.contains(service))
            result.push_back(counted);
    }
    return result;
}

const service::Instance* TrafficMeter::service_with(const std::string& mac) const {
    for (const auto& [id, service] : services_)
        for (std::size_t i = 0; i < service->interfaces.size(); ++i)
            if (service::to_string(service.mac(i)) == mac)
                return &service;
    return nullptr;
}

}  // namespace summond::host
