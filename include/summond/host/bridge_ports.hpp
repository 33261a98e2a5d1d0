// What dom0's kernel is told so that packets for services that are not running come to module wire,
// and those for running ones to them: taps on bridges, and where each bridge sends a MAC. Changes
// nothing of the operator's: ports of our own, and entries for our own MACs. All of it goes with
// the tap, which goes when its last descriptor is closed, however its holder ends.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/service/identity.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::host {

class BridgePorts {
  public:
    static base::Result<std::unique_ptr<BridgePorts>> open();
    ~BridgePorts();

    struct Tap {
        base::UniqueFd fd;  // non-blocking; a frame a read
        int index = 0;      // of the interface
        // Of a bridge with STP (IEEE 802.1D): how long a new port listens, and then again learns,
        // and passes nothing. 0: it passes frames at once.
        std::chrono::milliseconds forward_delay{};
    };
    // A tap that is a port of the bridge and up. The bridge learns nothing from it and floods no
    // unicast to it; groups other than those of neighbour discovery are not read.
    base::Result<Tap> make_tap(const std::string& bridge);
    // From now on the bridge floods to this tap what it knows no way for, as to other ports.
    base::Result<void> flood_to(int tap);

    // The bridge of this port sends frames for the MAC there. Pinned: whoever else sends as that
    // MAC.
    base::Result<void> send_to(const service::Mac& mac, int port, bool pinned);
    // No longer, if that is still so.
    void forget(const service::Mac& mac, int port);

    // Whether the bridge keeps resets (TCP) that come from this port to itself. False: it cannot.
    // Not if this process ends.
    bool hold_resets(int port, bool hold);

    // False: by STP such a port passes nothing yet.
    bool passes(int port);

    // The interface of a domain in dom0 by which it has its addresses.
    static std::optional<int> interface_of(vm::DomId domid);
    // A packet socket that sends into that interface, and receives what the guest sends of ARP,
    // ICMPv6, UDP, and of TCP what begins or ends a connection or is pushed. Its holder can neither
    // rebind it nor see more.
    static base::Result<base::UniqueFd> socket_to(int interface);

  private:
    struct State;
    explicit BridgePorts(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace summond::host
