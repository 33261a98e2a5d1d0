#include "summond/host/link_message.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace summond::host {
namespace {

int link_attribute(const nlattr* attribute, void* data) {
    auto& link = *static_cast<Link*>(data);
    switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
            if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
                link.name = mnl_attr_get_str(attribute);
            break;
        case IFLA_MTU:
            if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
                link.mtu = mnl_attr_get_u32(attribute);
            break;
        default:
            break;
    }
    return MNL_CB_OK;
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

}  // namespace summond::host
