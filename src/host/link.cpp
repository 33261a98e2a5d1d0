#include "summond/host/link.hpp"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace summond::host {
namespace {

constexpr std::string_view bridge_kind = "bridge";

// What makes an interface, or has it as a port, and what that says of it.
struct Info {
    std::string kind;
    const nlattr* data = nullptr;
    std::string port_of;
    const nlattr* port = nullptr;
};

std::string text(const nlattr* attribute) {
    return mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0 ? mnl_attr_get_str(attribute)
                                                                  : std::string();
}

template <typename Call>
void for_each_in(const nlattr* nest, Call call) {
    mnl_attr_parse_nested(
        nest,
        [](const nlattr* attribute, void* data) {
            (*static_cast<Call*>(data))(attribute);
            return MNL_CB_OK;
        },
        &call);
}

Info info_of(const nlattr* link_info) {
    Info info;
    for_each_in(link_info, [&info](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case IFLA_INFO_KIND:
                info.kind = text(attribute);
                break;
            case IFLA_INFO_DATA:
                info.data = attribute;
                break;
            case IFLA_INFO_SLAVE_KIND:
                info.port_of = text(attribute);
                break;
            case IFLA_INFO_SLAVE_DATA:
                info.port = attribute;
                break;
            default:
                break;
        }
    });
    return info;
}

void read_bridge(const nlattr* data, Link& link) {
    bool has_stp = false;
    std::chrono::milliseconds delay{};
    for_each_in(data, [&](const nlattr* attribute) {
        if (mnl_attr_validate(attribute, MNL_TYPE_U32) != 0)
            return;
        if (mnl_attr_get_type(attribute) == IFLA_BR_STP_STATE)
            has_stp = mnl_attr_get_u32(attribute) != 0;
        else if (mnl_attr_get_type(attribute) == IFLA_BR_FORWARD_DELAY)
            delay = std::chrono::milliseconds(10) * mnl_attr_get_u32(attribute);  // of USER_HZ
    });
    if (has_stp)
        link.forward_delay = delay;
}

void read_port(const nlattr* port, Link& link) {
    for_each_in(port, [&link](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) != IFLA_BRPORT_STATE ||
            mnl_attr_validate(attribute, MNL_TYPE_U8) != 0)
            return;
        const unsigned state = mnl_attr_get_u8(attribute);
        link.passes = state != BR_STATE_LISTENING && state != BR_STATE_LEARNING;
    });
}

int link_attribute(const nlattr* attribute, void* data) {
    auto& link = *static_cast<Link*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
            link.name = text(attribute);
            break;
        case IFLA_MTU:
            if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
                link.mtu = mnl_attr_get_u32(attribute);
            break;
        case IFLA_ADDRESS: {
            service::Mac mac{};
            if (mnl_attr_get_payload_len(attribute) != mac.size())
                break;
            std::copy_n(static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
                        mac.size(), mac.begin());
            link.mac = mac;
            break;
        }
        case IFLA_LINKINFO: {
            const Info info = info_of(attribute);
            link.kind = info.kind;
            if (info.kind == bridge_kind && info.data != nullptr)
                read_bridge(info.data, link);
            if (info.port_of == bridge_kind && info.port != nullptr)
                read_port(info.port, link);
            break;
        }
        default:
            break;
    }
    return MNL_CB_OK;
}

base::Result<std::optional<Link>> find(Netlink& netlink, NetlinkRequest& request,
                                       const std::string& what) {
    std::optional<Link> link;
    const auto r = netlink.ask(request, [&](const auto& answer) { link = link_of(answer); });
    if (!r && r.error() != ENODEV)
        return base::system_error("rtnetlink: " + what, r.error());
    return link;
}

}  // namespace

std::optional<Link> link_of(const nlmsghdr& message) {
    const bool there = message.nlmsg_type == RTM_NEWLINK;
    if (!there && message.nlmsg_type != RTM_DELLINK)
        return std::nullopt;
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg))
        return std::nullopt;
    const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    if (info->ifi_family != AF_UNSPEC)  // AF_BRIDGE: about the bridge port
        return std::nullopt;
    Link link;
    link.index = info->ifi_index;
    link.gone = !there;
    mnl_attr_parse(&message, sizeof(ifinfomsg), link_attribute, &link);
    if (link.name.empty())
        return std::nullopt;
    return link;
}

base::Result<std::optional<Link>> find_link(Netlink& netlink, const std::string& name) {
    if (name.size() >= IFNAMSIZ)
        return std::nullopt;
    NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
    mnl_attr_put_strz(request.header(), IFLA_IFNAME, name.c_str());
    return find(netlink, request, name);
}

base::Result<std::optional<Link>> find_link(Netlink& netlink, int index) {
    ifinfomsg about{};
    about.ifi_index = index;
    NetlinkRequest request(RTM_GETLINK, 0, about);
    return find(netlink, request, "interface " + std::to_string(index));
}

}  // namespace summond::host
