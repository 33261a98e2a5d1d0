// Ethernet frames that dom0 sends about services' addresses: who has them, and who asks. Untagged,
// whole (checksums included), unpadded. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/config/config.hpp"

namespace summond::frames {

using Frame = std::vector<std::uint8_t>;
using config::Mac;

// To everybody: this address is at this MAC. IPv4: an ARP announcement (RFC 5227 §2.3); IPv6: an
// unsolicited neighbour advertisement (RFC 4861 §7.2.6).
Frame announcement(const Mac& mac, const base::IpAddress& address);

// The answer to an ARP request or a neighbour solicitation for `address`, to whoever asked. An
// asker without an IPv6 address tests whether this one is free, and is answered before everybody
// (RFC 4861 §7.2.4).
Frame answer(const Mac& mac, const base::IpAddress& address, const Mac& asker_mac,
             const base::IpAddress& asker);

// Asks one station, not all, whether it has the address: an ARP request or a neighbour
// solicitation. asker is of the same family and, in IPv6, not unspecified: to a guest that tests
// its own address such a solicitation would say that somebody else has it (RFC 4862 §5.4.3).
Frame question(const Mac& asker_mac, const base::IpAddress& asker, const Mac& mac,
               const base::IpAddress& address);

// The group to which solicitations for an address are sent (RFC 4291 §2.7.1), and its MAC
// (RFC 2464 §7).
base::IpAddress solicited_node_group(const base::IpAddress& address);
Mac multicast_mac(const base::IpAddress& group);

// The link-local address that a station makes from its MAC (RFC 4291, appendix A).
base::IpAddress link_local(const Mac& mac);

// Subscribes the sender to groups, at most 64: an MLDv2 report (RFC 3810 §5.2).
Frame listener_report(const Mac& mac, std::span<const base::IpAddress> groups);

}  // namespace summond::frames
