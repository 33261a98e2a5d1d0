#include "meter.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <nftables/libnftables.h>

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <map>
#include <string_view>
#include <utility>

namespace summond::xen {
namespace {

namespace json = boost::json;

constexpr std::string_view traffic_table = "bridge summond";
constexpr std::string_view wakes_table = "bridge summond_wakes";
constexpr std::string_view counter_prefix = "s";

std::string counter_name(config::ServiceId service) {
    return fmt::format("{}{:016x}", counter_prefix, service);
}

// Neither has to be there. "table" first, so that "delete table" has one to delete.
std::string without(std::string_view table) {
    return fmt::format("table {0} {{}}\ndelete table {0}\n", table);
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
        counters += fmt::format("counter {} {{ comment \"{}\"; }}\n", counter_name(service.id),
                                service.name);
        elements += macs;
    }
    if (elements.empty())
        return {};
    return fmt::format(R"(table {0} {{
{1}map services {{ type ether_addr : counter
elements = {{ {2} }} }}
chain count {{
    {3}
    ether type {{ ip, ip6 }} counter name ether daddr map @services
}}
chain forwarded {{ type filter hook forward priority -300; policy accept; jump count; }}
chain local {{ type filter hook output priority -300; policy accept; jump count; }}
}}
)",
                       traffic_table, counters, elements, no_discovery);
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
    if (begun_)
        run(without(traffic_table) + without(wakes_table));
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
    std::string commands = without(traffic_table) + wanted;  // one transaction
    if (!begun_)
        commands += without(wakes_table);
    else if (wanted.empty() && !bridge_table_)
        return {};
    if (const auto r = run(commands); !r)
        return tl::make_unexpected(r.error());
    begun_ = true;
    bridge_table_ = !wanted.empty();
    return {};
}

void Meter::count_wakes(const config::Service& service, const vm::Wakes& wakes) {
    std::string& counters = wakes_[service.id];
    counters.clear();
    const auto put = [&](const char* what, const vm::Wakes::Count& count) {
        if (count.wakes == 0)
            return;
        using std::chrono::milliseconds;
        const std::string counter =
            fmt::format("counter {} w{:016x}_{}", wakes_table, service.id, what);
        // A counter can be given a value only when it is made.
        counters += fmt::format(
            "add {0}\ndelete {0}\n"
            "add {0} {{ packets {1} bytes {2}; comment \"{3} woken, {4}: times, ms waited\"; }}\n",
            counter, count.wakes, std::chrono::duration_cast<milliseconds>(count.waited).count(),
            service.name, what);
    };
    for (std::size_t why = 0; why < wakes.by_reason.size(); ++why)
        put(text(static_cast<vm::WakeReason>(why)), wakes.by_reason[why]);
    put("standby", wakes.from_standby);
}

base::Result<void> Meter::write_wakes() {
    std::string commands = fmt::format("add table {}\n", wakes_table);
    for (const auto& [service, counters] : std::exchange(wakes_, {}))
        commands += counters;
    if (const auto r = run(commands); !r)
        return tl::make_unexpected(r.error());
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
