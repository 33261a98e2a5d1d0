// What taps and packet sockets are given of all that passes: classic BPF, run by the kernel.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace summond::host {

using Filter = std::vector<sock_filter>;

// To a tap: unicast, ARP, and of IPv6's groups solicitations (type 135, in an ICMPv6 message right
// behind the header) and what has a hop-by-hop header (MLD queries).
Filter to_tap();
// From a guest to wire: ARP, ICMPv6, UDP, and TCP with FIN, SYN, RST or PSH.
Filter from_guest();
// From a guest to a probe: ARP, neighbour solicitations, and TCP to the probe's port: a guest that
// is busy with other things costs nothing. Frames are cut off to `longest` octets.
Filter to_probe(std::uint16_t port, std::size_t longest);

// For the system call that attaches it; filter outlives it.
sock_fprog program(Filter& filter);

}  // namespace summond::host
