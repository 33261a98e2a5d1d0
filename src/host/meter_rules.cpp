#include "meter_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

namespace summond::host {
namespace {

using service::Protocol;

// Of one family of addresses: what nftables calls it, and the names of its sets.
struct Family {
    bool v6;
    std::string_view header;  // of whose source and destination addresses are looked at
    std::string_view type;
    std::string_view digit;
};
constexpr Family families[] = {{false, "ip", "ipv4_addr", "4"}, {true, "ip6", "ipv6_addr", "6"}};

// A connection or an exchange of datagrams, as seen from the guest: its MAC, the other's address
// and port, its own port.
std::string inward(const Family& family) {
    return fmt::format("ether daddr . {} saddr . th sport . th dport", family.header);
}
std::string outward(const Family& family) {
    return fmt::format("ether saddr . {} daddr . th dport . th sport", family.header);
}

std::string prefixes(const std::vector<base::IpPrefix>& from, bool v6) {
    std::string list;
    for (const base::IpPrefix& prefix : from)
        if (prefix.address.is_v6() == v6)
            list += (list.empty() ? "" : ", ") + prefix.to_string();
    return list;
}

// "tcp dport { 80, 443 }"; empty: none of this protocol.
std::string ports(const std::vector<service::Port>& ports, Protocol protocol,
                  std::string_view name) {
    std::string list;
    for (const service::Port& port : ports) {
        if (port.protocol != protocol)
            continue;
        if (port.number == 0)
            return fmt::format("meta l4proto {}", name);
        list += (list.empty() ? "" : ", ") + std::to_string(port.number);
    }
    return list.empty() ? list : fmt::format("{} dport {{ {} }}", name, list);
}

// Clients' connections: here from their SYN on for a minute, and for as long as they may be silent
// once their client has said more.
std::string watch_connections(const std::string& tcp, std::chrono::milliseconds silence) {
    std::string rules;
    for (const Family& family : families) {
        const std::string key = inward(family);
        const auto seconds = std::chrono::floor<std::chrono::seconds>(silence).count();
        rules += fmt::format(
            "{0} tcp flags & (fin | syn | rst | ack) == syn update @open{1} {{ {2} timeout 1m }}\n"
            "tcp flags & (fin | rst) != 0 delete @open{1} {{ {2} }}\n"
            "tcp flags & (fin | syn | rst | ack) == ack {2} @open{1} "
            "update @open{1} {{ {2} timeout {3}s }}\n",
            tcp, family.digit, key, seconds);
    }
    return rules;
}

}  // namespace

std::string meter_sets() {
    std::string text;
    for (const Family& family : families)
        for (const auto& [name, timeout] :
             {std::pair("own", "10m"), std::pair("met", "3m"), std::pair("open", "1m")})
            text += fmt::format(
                "set {}{} {{ type ether_addr . {} . inet_service . inet_service; size 16384; "
                "flags dynamic, timeout; timeout {}; }}\n",
                name, family.digit, family.type, timeout);
    std::string stray;
    std::string begun;
    for (const Family& family : families) {
        const std::string in = inward(family);
        const std::string out = outward(family);
        // Who has sent a datagram first: the guest's answer begins nothing.
        stray += fmt::format("meta l4proto udp update @met{} {{ {} }}\n", family.digit, in);
        begun += fmt::format(
            "tcp flags & (fin | syn | rst | ack) == syn update @own{0} {{ {1} }}\n"
            "tcp flags & (fin | rst) != 0 delete @open{0} {{ {1} }}\n"
            "meta l4proto udp {1} @met{0} return\n"
            "meta l4proto udp update @own{0} {{ {1} }}\n",
            family.digit, out);
    }
    return text + "chain stray {\n" + stray + "}\nchain from_guest {\n" + begun + "}\n";
}

std::string meter_policy(const service::Template& service) {
    std::string rules;
    for (const Family& family : families)
        if (const auto ignored = prefixes(service.idle_ignore, family.v6); !ignored.empty())
            rules += fmt::format("{} saddr {{ {} }} return\n", family.header, ignored);
    std::string connections;
    std::string hits;
    const std::string tcp =
        service.ports.empty() ? "meta l4proto tcp" : ports(service.ports, Protocol::tcp, "tcp");
    if (!tcp.empty()) {
        if (service.keep_connections.count() > 0)
            connections = watch_connections(tcp, service.keep_connections);
        hits += tcp + " goto hit\n";
    }
    const std::string udp =
        service.ports.empty() ? "meta l4proto udp" : ports(service.ports, Protocol::udp, "udp");
    if (!udp.empty())
        hits += udp + " goto hit\n";
    if (service.ports.empty() || std::ranges::any_of(service.ports, [](const auto& port) {
            return port.protocol == Protocol::icmp;
        }))
        hits += "icmp type echo-request goto hit\nicmpv6 type echo-request goto hit\n";

    std::string others;  // whose packets do not wake it
    std::string own;
    for (const Family& family : families) {
        const std::string key = inward(family);
        own += fmt::format(
            "meta l4proto {{ tcp, udp }} {0} @own{1} update @own{1} {{ {0} }} goto hit\n", key,
            family.digit);
        if (service.wake_from.empty())
            continue;
        const auto from = prefixes(service.wake_from, family.v6);
        others += from.empty()
                      ? fmt::format("ether type {} goto stray\n", family.header)
                      : fmt::format("{} saddr != {{ {} }} goto stray\n", family.header, from);
    }
    // A reset neither wakes nor keeps, but is the end of a connection.
    std::string reset = "tcp flags & rst == rst return\n";
    if (connections.empty())
        return rules + reset + own + others + hits + "goto stray\n";
    return rules + own + others + connections + reset + hits + "goto stray\n";
}

}  // namespace summond::host
