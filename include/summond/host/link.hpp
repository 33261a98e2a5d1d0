// A network interface as the kernel tells of it (rtnetlink(7)). Asking takes the kernel's lock for
// changes of interfaces, which others hold for milliseconds: an index alone is had without it, by
// if_nametoindex(3).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "summond/base/result.hpp"
#include "summond/host/netlink.hpp"
#include "summond/service/identity.hpp"

namespace summond::host {

struct Link {
    int index = 0;
    std::string name;
    std::uint32_t mtu = 0;
    std::optional<service::Mac> mac{};  // of Ethernet
    std::string kind{};  // what makes it: "bridge", "openvswitch"; empty: nobody says
    // Of a bridge with STP (IEEE 802.1D): how long a new port listens, and then again learns. 0: a
    // new port passes frames at once.
    std::chrono::milliseconds forward_delay{};
    bool passes = true;  // false: it is a port of a bridge and listens or learns as yet
    bool gone = false;   // it has just been removed
};

// From RTM_NEWLINK and RTM_DELLINK about an interface as such; none for any other message, such as
// that a port has joined or left a bridge.
std::optional<Link> link_of(const nlmsghdr& message);

// None if there is no such interface.
base::Result<std::optional<Link>> find_link(Netlink& netlink, const std::string& name);
base::Result<std::optional<Link>> find_link(Netlink& netlink, int index);

}  // namespace summond::host
