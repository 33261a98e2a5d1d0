#include "neighbours.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace summond::xen {
namespace {

unsigned char family(const base::IpAddress& address) {
    return address.is_v4() ? AF_INET : AF_INET6;
}

// The parts of a route that tell where a packet goes first.
struct Hop {
    std::uint32_t interface = 0;
    bool router = false;
};

int attribute(const nlattr* attribute, void* data) {
    auto& hop = *static_cast<Hop*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case RTA_OIF:
            if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
                hop.interface = mnl_attr_get_u32(attribute);
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

int Neighbours::on_link(const base::IpAddress& address) {
    rtmsg about{};
    about.rtm_family = family(address);
    about.rtm_dst_len = static_cast<unsigned char>(8 * address.bytes().size());
    NetlinkRequest request(RTM_GETROUTE, 0, about);
    request.put(RTA_DST, address.bytes());
    Hop hop;
    const auto r = netlink_.ask(request, [&hop](const nlmsghdr& answer) {
        const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&answer));
        if (answer.nlmsg_type == RTM_NEWROUTE && route->rtm_type == RTN_UNICAST)
            mnl_attr_parse(&answer, sizeof(rtmsg), attribute, &hop);
    });
    return r && !hop.router ? static_cast<int>(hop.interface) : 0;
}

void Neighbours::learn(const base::IpAddress& address, const config::Mac& mac, int interface) {
    ndmsg about{};
    about.ndm_family = family(address);
    about.ndm_ifindex = interface;
    about.ndm_state = NUD_REACHABLE;
    NetlinkRequest request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, about);
    request.put(NDA_DST, address.bytes());
    request.put(NDA_LLADDR, mac);
    (void)netlink_.ask(request);  // without it the kernel asks for itself
}

}  // namespace summond::xen
