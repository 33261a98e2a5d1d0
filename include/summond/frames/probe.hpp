// What a probe of a guest's TCP port sends and hears: the segments of a connection that asks for at
// most one thing and ends with a reset, and of what the guest says the segments and its questions
// for MACs. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "summond/base/ip_address.hpp"
#include "summond/frames/build.hpp"
#include "summond/frames/packet.hpp"

namespace summond::frames {

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
// A guest's own reset again, its checksum included.
Frame repeated_reset(const Mac& mac, const Mac& to_mac, const IpPacket& reset);

// An ARP request or a neighbour solicitation: who has target?
struct Question {
    Mac asker_mac{};
    base::IpAddress asker;  // unspecified: tests whether the target is free
    base::IpAddress target;
};

struct Segment {
    base::Endpoint from;
    base::Endpoint to;
    bool fin = false;
    bool syn = false;
    bool rst = false;
    bool ack = false;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledges = 0;
    std::span<const std::uint8_t> payload;  // of the frame heard, as far as it is there
};

// None for anything else: fragments, extension headers, frames cut off or with a VLAN tag.
// Checksums are not looked at: a guest leaves them out of what never reaches a wire.
using Heard = std::variant<std::monostate, Question, Segment>;
Heard hear(std::span<const std::uint8_t> frame);

// A GET request (RFC 9112 §3) for a path of the server at an address. path: begins with a slash,
// and has no spaces or control characters.
std::string http_get(const std::string& path, const base::Endpoint& server);
// Whether a server that answers like this is up: any status (RFC 9112 §4) but 5xx, with which it
// would say that it is not. The beginning of the response is enough.
bool is_up(std::span<const std::uint8_t> response);

}  // namespace summond::frames
