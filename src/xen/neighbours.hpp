// What dom0's kernel knows of the hosts on its bridges: the way to them, and their MACs.
#pragma once

#include "netlink.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/config/config.hpp"

namespace summond::xen {

class Neighbours {
  public:
    static base::Result<Neighbours> open();

    // The index of the interface out of which dom0 sends to the address by no router: it has an
    // address of its own in that network, or a route there. 0: there is none.
    int on_link(const base::IpAddress& address);
    // Puts the MAC into the neighbour cache, where it ages as if the host had told it. Saves the
    // kernel's own question, which a guest that is not up leaves unanswered for a second.
    void learn(const base::IpAddress& address, const config::Mac& mac, int interface);

  private:
    explicit Neighbours(Netlink netlink) : netlink_(std::move(netlink)) {}
    Netlink netlink_;
};

}  // namespace summond::xen
