#include "meter.hpp"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <boost/json.hpp>
#include <charconv>
#include <string_view>

namespace summond::xen {
namespace {

namespace json = boost::json;

constexpr std::string_view counter_prefix = "s";

std::string counter_name(config::ServiceId service) {
    return fmt::format("{}{:016x}", counter_prefix, service);
}

// Frames to a service's MAC that carry IP: ARP has another ether type; multicast, broadcast and
// what the bridge floods for somebody else have another destination. Neighbour discovery is IP but
// says only that the peer still remembers the address (RFC 4861 §7.3).
// forward: from another port of the bridge; output: from dom0 itself.
std::string table(const std::vector<config::Service>& services) {
    std::string counters;
    std::string elements;
    for (const auto& service : services) {
        if (service.interfaces.empty())
            continue;
        const std::string name = counter_name(service.id);
        counters += "counter " + name + " {}\n";
        for (const auto& interface : service.interfaces)
            elements += fmt::format("{}{} : \"{}\"", elements.empty() ? "" : ", ",
                                    config::to_string(interface.mac), name);
    }
    if (elements.empty())
        return {};
    return "table bridge summond {\n" + counters +
           "map services { type ether_addr : counter\nelements = { " + elements + " } }\n" + R"(
chain count {
    icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } return
    ether type { ip, ip6 } counter name ether daddr map @services
}
chain forwarded { type filter hook forward priority -300; policy accept; jump count; }
chain local { type filter hook output priority -300; policy accept; jump count; }
}
)";
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
    if (there_)
        run("delete table bridge summond");
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
    const std::string wanted = table(services);
    if (wanted.empty() && !there_)
        return {};
    // One transaction; "table" first, so that "delete table" has one to delete.
    const auto r = run("table bridge summond {}\ndelete table bridge summond\n" + wanted);
    if (!r)
        return tl::make_unexpected(r.error());
    there_ = !wanted.empty();
    return {};
}

base::Result<std::vector<vm::Traffic>> Meter::read() {
    std::vector<vm::Traffic> result;
    if (!there_)
        return result;
    const auto output = run("list counters table bridge summond");
    if (!output)
        return tl::make_unexpected(output.error());
    try {
        const json::value document = json::parse(*output);
        for (const json::value& item : document.at("nftables").as_array())
            if (const json::value* counter = item.as_object().if_contains("counter"))
                result.push_back(traffic(counter->as_object()));
    } catch (const std::exception& e) {
        return base::error(std::string("nftables: unexpected output: ") + e.what());
    }
    return result;
}

}  // namespace summond::xen
