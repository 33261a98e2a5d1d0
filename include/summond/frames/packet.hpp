// What a frame is, as far as somebody has to know who stands in for guests that are not up, or who
// asks whether they are: who asks for an address, who has one, what would open a conversation, and
// what a server says in one. Pure. Frames are untrusted: nothing is read that is not there, and
// what is not understood is `other`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "summond/base/ip_address.hpp"
#include "summond/service/identity.hpp"

namespace summond::frames {

using service::Mac;

// An ARP packet for Ethernet and IPv4 (RFC 826).
struct Arp {
    bool request = false;
    Mac sender_mac{};
    base::IpAddress sender;  // unspecified: it tests whether the target is free (RFC 5227)
    base::IpAddress target;
};

// A neighbour solicitation (RFC 4861 §4.3), valid by §7.1.1.
struct Solicitation {
    base::IpAddress asker;  // unspecified: it tests whether the target is free (RFC 4862)
    base::IpAddress target;
};

// A neighbour advertisement (RFC 4861 §4.4), valid by §7.1.2.
struct Advertisement {
    base::IpAddress target;
};

// Some router asks who listens to which groups (RFC 3810 §5.1).
struct ListenerQuery {};

// Any other IPv4 or IPv6 packet. Its checksums are for whom it is for: a guest leaves them out of
// what never reaches a wire.
struct IpPacket {
    enum class Kind : std::uint8_t {
        tcp,
        udp,
        echo_request,
        later_fragment,  // not the first: the ports are in another packet
        other,
    };
    Kind kind = Kind::other;
    base::IpAddress from;
    base::IpAddress to;
    std::uint16_t from_port = 0;  // tcp, udp
    std::uint16_t to_port = 0;
    bool fragmented = false;  // there is more of it in other packets
    // tcp:
    bool opens = false;    // SYN without ACK, RST or FIN
    bool accepts = false;  // SYN and ACK, without RST
    bool resets = false;   // RST
    bool acks = false;     // ACK: acknowledges says something
    std::uint32_t sequence = 0;
    std::uint32_t acknowledges = 0;
    std::uint32_t length = 0;  // octets of the sequence space that it takes, SYN and FIN included
    bool speaks = false;       // it has payload, or FIN
};

struct Packet {
    Mac to{};
    Mac from{};
    std::variant<std::monostate, Arp, Solicitation, Advertisement, ListenerQuery, IpPacket> what;
    std::span<const std::uint8_t> payload;  // of a TCP segment; in the frame
};

// How much of a frame is there. Of a whole one, an IP packet that ends beyond it is none. Of a
// beginning, what a frame was cut off to, only headers that are there are looked at, and the
// checksum of a neighbour solicitation only where all of it is.
enum class Captured : std::uint8_t { whole, beginning };

// Ethernet, untagged (a bridge strips the tag of a port's own VLAN). None: too short, or tagged, or
// from no station.
std::optional<Packet> parse(std::span<const std::uint8_t> frame,
                            Captured captured = Captured::whole);

}  // namespace summond::frames
