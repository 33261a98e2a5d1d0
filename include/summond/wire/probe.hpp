// What a probe of a guest's TCP port sends and hears: the first segment of a connection, the reset
// that ends it, and of what the guest says the segments and its questions for MACs. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "summond/base/ip_address.hpp"
#include "summond/wire/frames.hpp"

namespace summond::wire {

struct Station {
    Mac mac{};
    base::Endpoint at;
};

// A SYN, and a reset of the connection that it opens, as of a station that will not talk after all.
// Both addresses are of one family. sequence: of the SYN, and so one more for the reset.
Frame syn(const Station& from, const Station& to, std::uint32_t sequence);
Frame reset(const Station& from, const Station& to, std::uint32_t sequence);

// An ARP request or a neighbour solicitation: who has target?
struct Question {
    Mac asker_mac{};
    base::IpAddress asker;  // unspecified: tests whether the target is free
    base::IpAddress target;
};

// A TCP segment, as far as it tells whether a connection was accepted.
struct Segment {
    base::Endpoint from;
    base::Endpoint to;
    bool syn = false;
    bool ack = false;
    bool rst = false;
    std::uint32_t acknowledges = 0;
};

// None for anything else: fragments, extension headers, frames cut off or with a VLAN tag.
// Checksums are not looked at: a guest leaves them out of what never reaches a wire.
using Heard = std::variant<std::monostate, Question, Segment>;
Heard hear(std::span<const std::uint8_t> frame);

}  // namespace summond::wire
