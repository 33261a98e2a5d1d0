// What the kernel says about network interfaces (rtnetlink(7)).
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <optional>
#include <string>

namespace summond::host {

struct Link {
    int index = 0;
    std::string name;
    std::uint32_t mtu = 0;
    bool gone = false;  // it has just been removed
};

// From RTM_NEWLINK and RTM_DELLINK about an interface as such; none for any other message, such as
// that a port has joined or left a bridge.
std::optional<Link> link_of(const nlmsghdr& message);

}  // namespace summond::host
