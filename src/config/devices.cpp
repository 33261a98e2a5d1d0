#include "devices.hpp"

#include <algorithm>
#include <filesystem>

#include "scalars.hpp"
#include "summond/xlfile/xl_file.hpp"

namespace summond::config {

namespace {

constexpr std::size_t max_link_name = 15;  // IFNAMSIZ with its NUL, linux/if.h
constexpr std::size_t max_interfaces = 8;
constexpr std::uint64_t min_mtu = 68;     // RFC 791
constexpr std::uint64_t max_mtu = 65517;  // netback's: 65535 less Ethernet's header and a tag

// What Linux takes for an interface (dev_valid_name in net/core/dev.c).
bool is_link_name(std::string_view name) {
    return !name.empty() && name.size() <= max_link_name && name != "." && name != ".." &&
           name.find_first_of("/: ") == std::string_view::npos;
}

// "none": no interface at all; empty if it is wrong.
// The same as a regular expression.
constexpr std::string_view link_name = R"((?!\.{1,2}$)[^/: \x00-\x1f\x7f]{1,15})";
constexpr std::string_view link_name_but_none = R"((?!\.{1,2}$|none$)[^/: \x00-\x1f\x7f]{1,15})";

std::string read_bridge(const Value& value, bool may_be_none) {
    const std::string expected = std::string("the name of a bridge of dom0, such as xenbr0") +
                                 (may_be_none ? ", or none for no network interface" : "");
    const auto name = value.text(expected, may_be_none ? link_name : link_name_but_none);
    if (!name || (*name == "none" ? may_be_none : is_link_name(*name)))
        return name.value_or("");
    value.refuse(expected, *name == "none" ? "" : "which no network interface can be called");
    return {};
}

// What Open vSwitch takes too: a bridge, its VLAN and trunks as in ovsbr0.7:8.
std::string read_bridge_for_script(const Value& value) {
    constexpr std::string_view expected = "what the script knows as a bridge, such as ovsbr0.7";
    const auto name = value.text(expected, R"([^/ \x00-\x1f\x7f]+)");
    if (!name || name->find_first_of("/ ") == std::string::npos)
        return name.value_or("");
    value.refuse(expected);
    return {};
}

std::string read_link(const Value& value) {
    constexpr std::string_view expected = "the name of a network interface of dom0, such as eth0";
    const auto name = value.text(expected, link_name);
    if (!name || is_link_name(*name))
        return name.value_or("");
    value.refuse(expected);
    return {};
}

// Xen's own vif-bridge is what summond does itself, and sooner. Given as a path, it is run.
std::string read_vif_script(const Value& value) {
    std::string script = read_script(value);
    return script == "vif-bridge" ? "" : script;
}

std::string read_ips(const Value& value) {
    constexpr std::string_view expected =
        "addresses or networks for the script, such as 10.0.0.10 or 10.0.8.0/24";
    std::string ips;
    for (const Value& item : value.list_or_one(expected)) {
        const std::string& text = item.node->text;  // empty if it is no scalar
        item.takes(network_pattern());
        const auto slash = text.find('/');
        const auto address = base::IpAddress::parse(text.substr(0, slash));
        const auto prefix =
            slash == std::string::npos ? 0 : parse_number(std::string_view(text).substr(slash + 1));
        if (!address || !prefix || *prefix > address->bytes().size() * 8)
            item.refuse(expected);
        else
            ips.append(ips.empty() ? "" : " ").append(text);
    }
    return ips;
}

void read_rate(const Value& value, service::Interface& interface) {
    constexpr std::string_view expected = "bits or bytes in a second, such as 10Mb/s or 1MB/s@20ms";
    const auto text = value.text(expected, "[0-9]+[GMK]?[Bb]/s(?:@[0-9]+(?:ms|us|s))?");
    if (!text)
        return;
    const auto rate = xlfile::parse_xl_rate(*text);
    if (!rate) {
        value.refuse(expected);
        return;
    }
    interface.rate = rate->bytes;
    interface.interval = rate->microseconds;
}

void read_mac(const Value& value, ServiceDraft::Interface& draft) {
    draft.mac_where = value.problems->at(value.where);
    value.takes(
        "(?!00(?::00){5}$|[Ff][Ee](?::[Ff]{2}){5}$)[0-9A-Fa-f][02468ACEace](?::[0-9A-Fa-f]{2}){5}");
    const auto mac = value.is(Node::Kind::scalar) ? parse_mac(value.node->text)
                                                  : base::Result<service::Mac>(base::error(""));
    draft.has_mac = mac.has_value();
    if (mac)
        draft.interface.mac = *mac;
    else
        value.refuse("a unicast MAC address, such as 00:16:3e:12:34:56", mac.error().what);
}

// One item of interfaces.
std::optional<ServiceDraft::Interface> read_interface(const Value& value, Whose whose) {
    auto mapping = Mapping::of(value, value.key + ".", "an interface, such as {bridge: xenbr0}");
    if (!mapping)
        return std::nullopt;
    ServiceDraft::Interface draft;
    service::Interface& interface = draft.interface;
    interface.bridge = default_bridge;
    if (const auto script = mapping->take(
            {"script", "a hotplug script: a path that begins with /, or the name of one of Xen's"}))
        interface.script = read_vif_script(*script);
    const bool scripted = !interface.script.empty() || mapping->is_described();
    if (const auto bridge = mapping->take({"bridge", "the name of a bridge of dom0", "xenbr0"}))
        interface.bridge = scripted ? read_bridge_for_script(*bridge) : read_bridge(*bridge, false);
    if (whose == Whose::defaults)
        mapping->refuse("mac", "every service has its own; move it there");
    else if (const auto mac =
                 mapping->take({"mac", "its MAC address", "made from the service's name"}))
        read_mac(*mac, draft);
    const auto for_script = [&](const Key& key, std::string& field, auto read) {
        const auto option = mapping->take(key);
        if (option && !scripted)
            option->complain(
                "only a script uses it; name one, such as script: vif-route, or a path: "
                "vif-bridge alone is what summond does itself");
        else if (option)
            field = read(*option);
        mapping->goes_with(key.name, "script");
    };
    for_script({"ip", "addresses or networks for the script"}, interface.ip, read_ips);
    for_script({"gatewaydev", "an interface of dom0 for the script"}, interface.gatewaydev,
               read_link);
    if (const auto name = mapping->take({"vifname", "what dom0 calls its end of the interface",
                                         "vif, domain id, dot and number"}))
        interface.vifname = read_link(*name);
    if (const auto rate = mapping->take(
            {"rate", "what it may send, such as 10Mb/s or 1MB/s@20ms", "without limit"}))
        read_rate(*rate, interface);
    if (const auto mtu = mapping->take({"mtu", "the longest packet", "the bridge's"}))
        interface.mtu = static_cast<std::uint32_t>(mtu->number(min_mtu, max_mtu).value_or(0));
    if (const auto trusted =
            mapping->take({"trusted", "false: the guest takes its backend for hostile", "true"}))
        interface.trusted = read_boolean(*trusted);
    mapping->refuse_rest();
    return draft;
}

}  // namespace

// A bare name is looked up by libxl in Xen's own directory of scripts.
std::string read_script(const Value& value) {
    constexpr std::string_view expected =
        "a hotplug script: a path that begins with /, or the name of one of Xen's, such as "
        "vif-route";
    const auto script = value.text(expected, R"((?:/[^\x00-\x1f\x7f]*|[^/ \x00-\x1f\x7f]+))");
    if (!script || script->starts_with('/') || script->find_first_of("/ ") == std::string::npos)
        return script.value_or("");
    value.refuse(expected);
    return {};
}

void read_interface_list(const Value& list, ServiceDraft& draft, Whose whose) {
    std::vector<ServiceDraft::Interface> interfaces;
    const auto items = list.list("a list of interfaces, such as - bridge: xenbr0");
    if (items.size() > max_interfaces)
        list.complain("more than " + std::to_string(max_interfaces) + " interfaces");
    for (const Value& item : items)
        if (auto interface = read_interface(item, whose))
            interfaces.push_back(std::move(*interface));
    if (!interfaces.empty())  // else it is wrong, which has been said
        draft.interfaces = std::move(interfaces);
}

void read_interfaces(Mapping& mapping, ServiceDraft& draft, Whose whose) {
    const auto list =
        mapping.take({"interfaces", "its network interfaces, instead of bridge, mac and script"});
    const auto bridge = mapping.take({"bridge", "the name of a bridge of dom0", "xenbr0"});
    const auto script = mapping.take(
        {"script", "a hotplug script: a path that begins with /, or the name of one of Xen's"});
    const auto mac = whose == Whose::service
                         ? mapping.take({"mac", "its MAC address", "made from the service's name"})
                         : std::nullopt;
    if (list) {
        read_interface_list(*list, draft, whose);
        for (const auto& own : {bridge, script, mac})
            if (own)
                own->complain("interfaces is there too; say it in there, or leave out interfaces");
    }
    for (const std::string_view own : {"bridge", "script", "mac"})
        mapping.has_at_most_one_of({"interfaces", own});
    if (list && !mapping.is_described())
        return;
    if (draft.interfaces.size() > 1) {
        for (const auto& own : {bridge, script, mac})
            if (own)
                own->complain("there are " + std::to_string(draft.interfaces.size()) +
                              " interfaces that it could be of; list them all in interfaces");
        return;
    }
    // The short form changes the one interface that there is by then.
    if (bridge && draft.interfaces.empty())
        draft.interfaces.emplace_back().interface.bridge = default_bridge;
    if (script && !draft.interfaces.empty())
        draft.interfaces[0].interface.script = read_vif_script(*script);
    if (bridge) {
        ServiceDraft::Interface& only = draft.interfaces[0];
        only.interface.bridge = mapping.is_described() || (!only.interface.script.empty() &&
                                                           bridge->node->text != "none")
                                    ? read_bridge_for_script(*bridge)
                                    : read_bridge(*bridge, true);
        draft.interfaces_where = mapping.problems().at(bridge->where);
        if (only.interface.bridge == "none")
            draft.interfaces.clear();
    }
    if (mac && !draft.interfaces.empty())
        read_mac(*mac, draft.interfaces[0]);
    for (const auto& own : {script, mac})
        if (own && draft.interfaces.empty())
            own->complain("bridge: none leaves no interface that it could be of; leave it out");
}

void complete_interfaces(ServiceDraft& draft) {
    service::Template& service = draft.service;
    std::string addresses;
    for (const base::IpAddress& address : service.ipv4)
        addresses.append(addresses.empty() ? "" : " ").append(address.to_string());
    for (std::size_t i = 0; i < draft.interfaces.size(); ++i) {
        service::Interface& interface = draft.interfaces[i].interface;
        if (!draft.interfaces[i].has_mac) {
            interface.mac = service::derived_mac(service.id, i);
            draft.interfaces[i].mac_where = draft.places.name;
        }
        // It makes a route to each ip, without which nobody reaches the guest. It knows IPv4 only.
        if (std::filesystem::path(interface.script).filename() == "vif-route" &&
            interface.ip.empty())
            interface.ip = addresses;
        service.interfaces.push_back(interface);
    }
}

}  // namespace summond::config
