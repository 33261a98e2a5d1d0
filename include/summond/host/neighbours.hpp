// What dom0's kernel knows of the hosts on its bridges: the way to them, and their MACs.
#pragma once

#include <optional>
#include <string>

#include "summond/base/ip_address.hpp"
#include "summond/frames/build.hpp"
#include "summond/host/netlink.hpp"
#include "summond/service/identity.hpp"

namespace summond::host {

class Neighbours {
  public:
    static base::Result<Neighbours> open();

    struct Way {
        int interface = 0;                      // its index
        std::optional<base::IpAddress> source;  // dom0's own address that it would send from
    };
    // The way by which dom0 sends to the address without a router: it has an address of its own in
    // that network, or a route there. Interface 0: there is none.
    Way on_link(const base::IpAddress& address);
    // dom0's own MAC and address on this bridge, as which it sends to the address without a router.
    // Its port is 0. None: that is not the way.
    std::optional<frames::Station> own_station(const base::IpAddress& address,
                                               const std::string& bridge);
    // Puts the MAC into the neighbour cache, where it ages as if the host had told it. Saves the
    // kernel's own question, which a guest that is not up leaves unanswered for a second.
    void learn(const base::IpAddress& address, const service::Mac& mac, int interface);

  private:
    explicit Neighbours(Netlink netlink) : netlink_(std::move(netlink)) {}
    Netlink netlink_;
};

}  // namespace summond::host
