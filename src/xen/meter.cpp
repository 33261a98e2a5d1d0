#include "meter.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <nftables/libnftables.h>

#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <string_view>

namespace summond::xen {
namespace {

namespace json = boost::json;

constexpr std::string_view counter_prefix = "s";

std::string counter_name(config::ServiceId service) {
    return fmt::format("{}{:016x}", counter_prefix, service);
}

// What does not count though it is IP: neighbour discovery says only that the peer still remembers
// the address (RFC 4861 §7.3).
constexpr char no_discovery[] =
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, "
    "nd-redirect } return";

// Frames to one of a service's MACs that carry IP: ARP has another ether type; multicast, broadcast
// and what the bridge floods for somebody else have another destination. forward: from another port
// of the bridge; output: from dom0 itself.
std::string bridge_table(const std::vector<config::Service>& services) {
    std::string counters;
    std::string elements;
    for (const auto& service : services) {
        std::string macs;
        for (const auto& interface : service.interfaces)
            if (interface.script.empty())
                macs += fmt::format("{} : \"{}\", ", config::to_string(interface.mac),
                                    counter_name(service.id));
        if (macs.empty())
            continue;
        counters += "counter " + counter_name(service.id) + " {}\n";
        elements += macs;
    }
    if (elements.empty())
        return {};
    return fmt::format(R"(table bridge summond {{
{0}map services {{ type ether_addr : counter
elements = {{ {1} }} }}
chain count {{
    {2}
    ether type {{ ip, ip6 }} counter name ether daddr map @services
}}
chain forwarded {{ type filter hook forward priority -300; policy accept; jump count; }}
chain local {{ type filter hook output priority -300; policy accept; jump count; }}
}}
)",
                       counters, elements, no_discovery);
}

// The same for one interface, as its last packets before the guest. May be there from before a
// kill.
std::string interface_chain(const std::string& interface, const std::string& mac,
                            config::ServiceId service) {
    std::string chain = "at";  // letters and digits are all that nftables takes
    for (const char c : interface)
        chain += fmt::format("{:02x}", c);
    const std::string at = "netdev summond " + chain;
    return fmt::format(R"(add table netdev summond
add counter netdev summond {1}
add chain {0} {{ type filter hook egress device "{2}" priority 0; policy accept; }}
flush chain {0}
add rule {0} {3}
add rule {0} ether daddr {4} ether type {{ ip, ip6 }} counter name "{1}"
)",
                       at, counter_name(service), interface, no_discovery, mac);
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

Meter::~Meter() {
    if (bridge_table_)
        run("delete table bridge summond");
    if (netdev_table_)
        run("delete table netdev summond");
    if (nft_ != nullptr)
        ::nft_ctx_free(nft_);
}

base::Result<std::string> Meter::run(const std::string& commands) {
    if (nft_ == nullptr) {
        nft_ = ::nft_ctx_new(NFT_CTX_DEFAULT);
        if (nft_ == nullptr)
            return base::error("nftables: no memory");
        ::nft_ctx_buffer_output(nft_);
        ::nft_ctx_buffer_error(nft_);
        ::nft_ctx_output_set_flags(nft_, NFT_CTX_OUTPUT_JSON);
    }
    const int r = ::nft_run_cmd_from_buffer(nft_, commands.c_str());
    // Getting a buffer also empties it.
    const char* output = ::nft_ctx_get_output_buffer(nft_);
    const char* errors = ::nft_ctx_get_error_buffer(nft_);
    if (r != 0)
        return base::error(std::string("nftables: ") + (errors == nullptr ? "" : errors));
    return std::string(output == nullptr ? "" : output);
}

base::Result<void> Meter::set(const std::vector<config::Service>& services) {
    const std::string wanted = bridge_table(services);
    if (wanted.empty() && !bridge_table_)
        return {};
    // One transaction; "table" first, so that "delete table" has one to delete.
    const auto r = run("table bridge summond {}\ndelete table bridge summond\n" + wanted);
    if (!r)
        return tl::make_unexpected(r.error());
    bridge_table_ = !wanted.empty();
    return {};
}

base::Result<void> Meter::count_at(const std::string& interface, const std::string& mac,
                                   config::ServiceId service) {
    // Newer kernels take the chain also for an interface that is not there.
    const auto r = ::if_nametoindex(interface.c_str()) == 0
                       ? base::Result<std::string>(base::error("there is no " + interface))
                       : run(interface_chain(interface, mac, service));
    if (!r) {
        uncounted_.insert(service);
        return tl::make_unexpected(r.error());
    }
    uncounted_.erase(service);
    netdev_table_ = true;
    return {};
}

base::Result<std::vector<vm::Traffic>> Meter::read() {
    std::map<config::ServiceId, std::uint64_t> packets;
    for (const char* family : {bridge_table_ ? "bridge" : "", netdev_table_ ? "netdev" : ""}) {
        if (*family == 0)
            continue;
        const auto output = run(fmt::format("list counters table {} summond", family));
        if (!output)
            return tl::make_unexpected(output.error());
        try {
            const json::value document = json::parse(*output);
            for (const json::value& item : document.at("nftables").as_array()) {
                if (const json::value* counter = item.as_object().if_contains("counter")) {
                    const vm::Traffic counted = traffic(counter->as_object());
                    packets[counted.service] += counted.packets;
                }
            }
        } catch (const std::exception& e) {
            return base::error(std::string("nftables: unexpected output: ") + e.what());
        }
    }
    std::vector<vm::Traffic> result;
    for (const auto& [service, count] : packets)
        if (!uncounted_.contains(service))
            result.push_back({service, count});
    return result;
}

}  // namespace summond::xen
