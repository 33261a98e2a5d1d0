// Ethernet frames that dom0 sends about services' addresses, or to them: who has an address, who
// asks for it, and the TCP segments of a connection that asks for at most one thing and ends with a
// reset. Untagged, whole (checksums included), unpadded. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/frames/packet.hpp"
#include "summond/service/template.hpp"

namespace summond::frames {

using Frame = std::vector<std::uint8_t>;

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

// One end of a connection.
struct Station {
    Mac mac{};
    base::Endpoint at;
};

// A SYN, octets with all that has come acknowledged, and a reset. Both addresses are of one family.
Frame syn(const Station& from, const Station& to, std::uint32_t sequence);
Frame data(const Station& from, const Station& to, std::uint32_t sequence,
           std::uint32_t acknowledges, const std::string& octets);
Frame reset(const Station& from, const Station& to, std::uint32_t sequence);

// What a station says to a segment of a connection that it does not have (RFC 9293 §3.10.7.1). Not
// for a reset, which is not answered.
Frame refusal(const Mac& mac, const Mac& to_mac, const IpPacket& segment);
// The answer to a SYN that acknowledges what its sender has not sent: it resets that, with the
// sequence number `acknowledges`, and its connection goes on (RFC 9293 §3.10.7.3).
Frame proof_question(const Mac& mac, const Mac& to_mac, const IpPacket& syn,
                     std::uint32_t acknowledges);
// A guest's own reset again, its checksum included.
Frame repeated_reset(const Mac& mac, const Mac& to_mac, const IpPacket& reset);

}  // namespace summond::frames
