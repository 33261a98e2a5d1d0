#include "summond/frames/packet.hpp"

#include <algorithm>

#include "bytes.hpp"
#include "protocols.hpp"

namespace summond::frames {
namespace {

using base::IpAddress;

// Extension headers that are followed; no packet worth an answer has more.
constexpr int max_extensions = 4;

IpAddress v4_at(Bytes at, std::size_t offset) {
    std::array<std::uint8_t, 4> bytes;
    std::ranges::copy(at.subspan(offset, 4), bytes.begin());
    return IpAddress::v4(bytes);
}

IpAddress v6_at(Bytes at, std::size_t offset) {
    std::array<std::uint8_t, 16> bytes;
    std::ranges::copy(at.subspan(offset, 16), bytes.begin());
    return IpAddress::v6(bytes);
}

Mac mac_at(Bytes at, std::size_t offset) {
    Mac mac;
    std::ranges::copy(at.subspan(offset, 6), mac.begin());
    return mac;
}

void read_arp(Bytes at, Packet& packet) {
    if (at.size() < arp_size || get16(at, 0) != 1 || get16(at, 2) != ethertype_ipv4 || at[4] != 6 ||
        at[5] != 4)
        return;
    const unsigned operation = get16(at, 6);
    if (operation == arp_request || operation == arp_reply)
        packet.what = Arp{operation == arp_request, mac_at(at, 8), v4_at(at, 14), v4_at(at, 24)};
}

void read_tcp(Bytes at, std::size_t header, IpPacket& ip, Packet& packet) {
    const unsigned flags = at[13];
    packet.payload = at.subspan(std::min(header, at.size()));
    ip.kind = IpPacket::Kind::tcp;
    ip.from_port = get16(at, 0);
    ip.to_port = get16(at, 2);
    ip.sequence = get32(at, 4);
    ip.acknowledges = get32(at, 8);
    ip.length = static_cast<std::uint32_t>(packet.payload.size()) +
                ((flags & tcp_syn) != 0 ? 1 : 0) + ((flags & tcp_fin) != 0 ? 1 : 0);
    ip.opens = (flags & (tcp_syn | tcp_ack | tcp_rst | tcp_fin)) == tcp_syn;
    ip.accepts = (flags & (tcp_syn | tcp_ack | tcp_rst)) == (tcp_syn | tcp_ack);
    ip.resets = (flags & tcp_rst) != 0;
    ip.acks = (flags & tcp_ack) != 0;
    ip.speaks = !packet.payload.empty() || (flags & tcp_fin) != 0;
}

// The payload of IPv4 or IPv6.
void read_transport(unsigned protocol, Bytes at, IpPacket& ip, Packet& packet) {
    if (protocol == protocol_tcp && at.size() >= tcp_size) {
        const std::size_t header = (at[12] >> 4) * 4U;
        if (header >= tcp_size)
            read_tcp(at, header, ip, packet);
    } else if (protocol == protocol_udp && at.size() >= udp_size) {
        ip.kind = IpPacket::Kind::udp;
        ip.from_port = get16(at, 0);
        ip.to_port = get16(at, 2);
    } else if (at.size() >= icmp_size &&
               ((protocol == protocol_icmp && ip.to.is_v4() && at[0] == icmp_echo_request) ||
                (protocol == protocol_icmpv6 && ip.to.is_v6() && at[0] == icmpv6_echo_request))) {
        ip.kind = IpPacket::Kind::echo_request;
    }
}

void read_ipv4(Bytes at, Captured captured, Packet& packet) {
    if (at.size() < ipv4_size || at[0] >> 4 != 4)
        return;
    const std::size_t header = (at[0] & 15U) * 4U;
    const std::size_t total = get16(at, 2);  // without what Ethernet fills short frames up with
    if (header < ipv4_size || total < header || header > at.size() ||
        (total > at.size() && captured == Captured::whole))
        return;
    constexpr unsigned more_fragments = 0x2000;
    constexpr unsigned fragment_offset = 0x1fff;
    const unsigned fragment = get16(at, 6);
    IpPacket ip;
    ip.from = v4_at(at, 12);
    ip.to = v4_at(at, 16);
    ip.fragmented = (fragment & (more_fragments | fragment_offset)) != 0;
    if ((fragment & fragment_offset) != 0)
        ip.kind = IpPacket::Kind::later_fragment;
    else
        read_transport(at[9], at.first(std::min(total, at.size())).subspan(header), ip, packet);
    packet.what = ip;
}

bool checksum_is_right(Bytes ipv6, Bytes message) {
    return fold(add_up(message, add_up(ipv6.subspan(8, 32), protocol_icmpv6)) +
                static_cast<std::uint32_t>(message.size())) == 0;
}

// RFC 4861 §7.1: every option has a length that is not 0, and they fill the message.
bool options_are_whole(Bytes options) {
    while (!options.empty()) {
        if (options.size() < 2 || options[1] == 0 || options[1] * 8U > options.size())
            return false;
        options = options.subspan(options[1] * 8U);
    }
    return true;
}

// False: an ICMPv6 message of another kind.
bool read_control(Bytes ipv6, Bytes message, bool whole, Packet& packet) {
    if (message.size() < icmp_size)
        return false;
    const unsigned type = message[0];
    if (type == mld_query) {
        if (whole && checksum_is_right(ipv6, message))
            packet.what = ListenerQuery{};
        return true;
    }
    if (type != nd_solicitation && type != nd_advertisement)
        return false;
    if (message.size() < neighbour_size || message[1] != 0 || ipv6[7] != nd_hop_limit ||
        (whole &&
         !(options_are_whole(message.subspan(neighbour_size)) && checksum_is_right(ipv6, message))))
        return true;
    const IpAddress target = v6_at(message, 8);
    if (target.is_multicast())
        return true;
    if (type == nd_solicitation)
        packet.what = Solicitation{v6_at(ipv6, 8), target};
    else
        packet.what = Advertisement{target};
    return true;
}

void read_ipv6(Bytes at, Captured captured, Packet& packet) {
    if (at.size() < ipv6_size || at[0] >> 4 != 6)
        return;
    const std::size_t length = get16(at, 4);
    const bool whole = length <= at.size() - ipv6_size;
    if (!whole && captured == Captured::whole)
        return;
    IpPacket ip;
    ip.from = v6_at(at, 8);
    ip.to = v6_at(at, 24);
    Bytes rest = at.subspan(ipv6_size, std::min(length, at.size() - ipv6_size));
    unsigned next = at[6];
    for (int i = 0; i < max_extensions; ++i) {
        if (next != protocol_hop_by_hop && next != protocol_routing && next != protocol_fragment &&
            next != protocol_destination_options)
            break;
        if (rest.size() < 8)
            return;
        const std::size_t size = next == protocol_fragment ? 8 : (rest[1] + 1U) * 8U;
        if (size > rest.size())
            return;
        if (next == protocol_fragment) {
            ip.fragmented = true;
            if (get16(rest, 2) >> 3 != 0) {
                ip.kind = IpPacket::Kind::later_fragment;
                packet.what = ip;
                return;
            }
        }
        next = rest[0];
        rest = rest.subspan(size);
    }
    // RFC 6980: neighbour discovery is never fragmented.
    if (next == protocol_icmpv6 && !ip.fragmented && read_control(at, rest, whole, packet))
        return;
    read_transport(next, rest, ip, packet);
    packet.what = ip;
}

}  // namespace

std::optional<Packet> parse(Bytes frame, Captured captured) {
    if (frame.size() < ethernet_size)
        return std::nullopt;
    Packet packet;
    packet.to = mac_at(frame, 0);
    packet.from = mac_at(frame, 6);
    if ((packet.from[0] & 1) != 0)
        return std::nullopt;
    const Bytes at = frame.subspan(ethernet_size);
    switch (get16(frame, 12)) {
        case ethertype_arp:
            read_arp(at, packet);
            break;
        case ethertype_ipv4:
            read_ipv4(at, captured, packet);
            break;
        case ethertype_ipv6:
            read_ipv6(at, captured, packet);
            break;
        case ethertype_vlan:
        case ethertype_service_vlan:
            return std::nullopt;
        default:
            break;
    }
    return packet;
}

}  // namespace summond::frames
