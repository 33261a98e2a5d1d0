// Tells the hosts on a bridge where a service is: gratuitous ARP and unsolicited neighbour
// advertisements (module frames) with the service's own MAC, sent out of the bridge on the guest's
// behalf. Neighbours' caches are right at once, and switches beyond know the way.
//
// Not while the guest is on the bridge and may be testing its addresses: it would take the
// advertisement for somebody else's (RFC 4862 §5.4.4). So before the guest has run, or before its
// vif joins the bridge.
#pragma once

#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/frames/build.hpp"
#include "summond/service/instance.hpp"

namespace summond::host {

class Announcer {
  public:
    base::Result<void> open();
    // What cannot be sent is lost, as any frame can be.
    void announce(const std::string& bridge, const std::vector<frames::Frame>& frames) const;

  private:
    base::UniqueFd socket_;
};

// Those of a service's first interface, one for each of its addresses. None where a hotplug script
// plumbs it: whoever wrote that knows what lies behind.
std::vector<frames::Frame> announcements(const service::Instance& service);

}  // namespace summond::host
