#include "summond/host/neighbours.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "summond/host/link.hpp"

namespace summond::host {
namespace {

unsigned char family(const base::IpAddress& address) {
    return address.is_v4() ? AF_INET : AF_INET6;
}

// The parts of a route that tell where a packet goes first.
struct Hop {
    Neighbours::Way way;
    bool router = false;
};

std::optional<base::IpAddress> ip_address(const nlattr* attribute) {
    const auto* bytes = static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute));
    std::array<std::uint8_t, 4> v4{};
    std::array<std::uint8_t, 16> v6{};
    if (mnl_attr_get_payload_len(attribute) == v4.size()) {
        std::copy_n(bytes, v4.size(), v4.begin());
        return base::IpAddress::v4(v4);
    }
    if (mnl_attr_get_payload_len(attribute) == v6.size()) {
        std::copy_n(bytes, v6.size(), v6.begin());
        return base::IpAddress::v6(v6);
    }
    return std::nullopt;
}

int route_attribute(const nlattr* attribute, void* data) {
    auto& hop = *static_cast<Hop*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case RTA_OIF:
            if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
                hop.way.interface = static_cast<int>(mnl_attr_get_u32(attribute));
            break;
        case RTA_PREFSRC:
            hop.way.source = ip_address(attribute);
            break;
        case RTA_GATEWAY:
        case RTA_VIA:
            hop.router = true;
            break;
        default:
            break;
    }
    return MNL_CB_OK;
}

}  // namespace

base::Result<Neighbours> Neighbours::open() {
    auto netlink = Netlink::open();
    if (!netlink)
        return tl::make_unexpected(netlink.error());
    return Neighbours(std::move(*netlink));
}

Neighbours::Way Neighbours::on_link(const base::IpAddress& address) {
    rtmsg about{};
    about.rtm_family = family(address);
    about.rtm_dst_len = static_cast<unsigned char>(8 * address.bytes().size());
    NetlinkRequest request(RTM_GETROUTE, 0, about);
    request.put(RTA_DST, address.bytes());
    Hop hop;
    const auto r = netlink_.ask(request, [&hop](const nlmsghdr& answer) {
        const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&answer));
        if (answer.nlmsg_type == RTM_NEWROUTE && route->rtm_type == RTN_UNICAST)
            mnl_attr_parse(&answer, sizeof(rtmsg), route_attribute, &hop);
    });
    return r && !hop.router ? hop.way : Way{};
}

std::optional<frames::Station> Neighbours::own_station(const base::IpAddress& address,
                                                       const std::string& bridge) {
    const Way way = on_link(address);
    if (way.interface == 0 || !way.source)
        return std::nullopt;
    const auto link = find_link(netlink_, way.interface);
    if (!link || !*link || (*link)->name != bridge || !(*link)->mac)
        return std::nullopt;
    return frames::Station{*(*link)->mac, {*way.source, 0}};
}

void Neighbours::learn(const base::IpAddress& address, const service::Mac& mac, int interface) {
    ndmsg about{};
    about.ndm_family = family(address);
    about.ndm_ifindex = interface;
    about.ndm_state = NUD_REACHABLE;
    NetlinkRequest request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, about);
    request.put(NDA_DST, address.bytes());
    request.put(NDA_LLADDR, mac);
    (void)netlink_.ask(request);  // without it the kernel asks for itself
}

}  // namespace summond::host
