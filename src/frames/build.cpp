#include "summond/frames/build.hpp"

#include <array>

#include "bytes.hpp"
#include "protocols.hpp"

namespace summond::frames {
namespace {

using base::IpAddress;

constexpr Mac nobody{};
constexpr Mac everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

IpAddress all_nodes() {
    return IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

// RFC 826, with the formats of RFC 5494: Ethernet and IPv4.
Frame arp(const Mac& to, unsigned operation, const Mac& sender_mac, const IpAddress& sender,
          const Mac& target_mac, const IpAddress& target) {
    Frame frame;
    Writer(frame)
        .bytes(to)
        .bytes(sender_mac)
        .u16(ethertype_arp)
        .u16(1)
        .u16(ethertype_ipv4)
        .u8(6)
        .u8(4)
        .u16(operation)
        .bytes(sender_mac)
        .bytes(sender.bytes())
        .bytes(target_mac)
        .bytes(target.bytes());
    return frame;
}

// Ethernet and IPv6 around an ICMPv6 message whose checksum, at octet 2, is still zero. options: a
// hop-by-hop header before it, or nothing.
Frame icmpv6(const Mac& to_mac, const Mac& from_mac, unsigned hop_limit, const IpAddress& from,
             const IpAddress& to, Bytes options, std::vector<std::uint8_t> message) {
    // RFC 8200 §8.1: the pseudo-header.
    const auto sum =
        fold(add_up(message, add_up(from.bytes(), add_up(to.bytes(), protocol_icmpv6)) +
                                 static_cast<std::uint32_t>(message.size())));
    message[2] = static_cast<std::uint8_t>(sum >> 8);
    message[3] = static_cast<std::uint8_t>(sum);
    Frame frame;
    Writer(frame)
        .bytes(to_mac)
        .bytes(from_mac)
        .u16(ethertype_ipv6)
        .u16(0x6000)
        .u16(0)
        .u16(static_cast<unsigned>(options.size() + message.size()))
        .u8(options.empty() ? protocol_icmpv6 : protocol_hop_by_hop)
        .u8(hop_limit)
        .bytes(from.bytes())
        .bytes(to.bytes())
        .bytes(options)
        .bytes(message);
    return frame;
}

// A neighbour solicitation or advertisement with its one option (RFC 4861 §4.3, §4.4).
Frame neighbour(const Mac& to_mac, const Mac& from_mac, const IpAddress& from, const IpAddress& to,
                unsigned type, unsigned flags, const IpAddress& target, unsigned option) {
    std::vector<std::uint8_t> message;
    Writer(message)
        .u8(type)
        .u8(0)
        .u16(0)
        .u8(flags)
        .zeros(3)
        .bytes(target.bytes())
        .u8(option)
        .u8(1)
        .bytes(from_mac);
    return icmpv6(to_mac, from_mac, nd_hop_limit, from, to, {}, std::move(message));
}

}  // namespace

Frame announcement(const Mac& mac, const IpAddress& address) {
    if (address.is_v4())
        return arp(everybody, arp_request, mac, address, nobody, address);
    return neighbour(multicast_mac(all_nodes()), mac, address, all_nodes(), nd_advertisement,
                     nd_override, address, nd_target_mac);
}

Frame answer(const Mac& mac, const IpAddress& address, const Mac& asker_mac,
             const IpAddress& asker) {
    if (address.is_v4())
        return arp(asker_mac, arp_reply, mac, address, asker_mac, asker);
    if (asker.is_unspecified())
        return announcement(mac, address);
    return neighbour(asker_mac, mac, address, asker, nd_advertisement, nd_solicited | nd_override,
                     address, nd_target_mac);
}

Frame question(const Mac& asker_mac, const IpAddress& asker, const Mac& mac,
               const IpAddress& address) {
    if (address.is_v4())
        return arp(mac, arp_request, asker_mac, asker, nobody, address);
    return neighbour(mac, asker_mac, asker, address, nd_solicitation, 0, address, nd_source_mac);
}

IpAddress solicited_node_group(const IpAddress& address) {
    const auto b = address.bytes();
    return IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b[13], b[14], b[15]});
}

Mac multicast_mac(const IpAddress& group) {
    const auto b = group.bytes();
    return {0x33, 0x33, b[12], b[13], b[14], b[15]};
}

IpAddress link_local(const Mac& mac) {
    return IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(mac[0] ^ 2),
                          mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]});
}

Frame listener_report(const Mac& mac, std::span<const IpAddress> groups) {
    // Hop-by-hop: the router alert for MLD (RFC 2711 §2.1), padded to 8 octets.
    constexpr std::array<std::uint8_t, 8> router_alert{protocol_icmpv6, 0, 5, 2, 0, 0, 1, 0};
    const auto all_mld_routers =
        IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16});
    constexpr unsigned exclude_nobody = 2;  // MODE_IS_EXCLUDE, without sources
    std::vector<std::uint8_t> message;
    Writer writer(message);
    writer.u8(mld_report).u8(0).u16(0).u16(0).u16(static_cast<unsigned>(groups.size()));
    for (const IpAddress& group : groups)
        writer.u8(exclude_nobody).u8(0).u16(0).bytes(group.bytes());
    return icmpv6(multicast_mac(all_mld_routers), mac, 1, link_local(mac), all_mld_routers,
                  router_alert, std::move(message));
}

}  // namespace summond::frames
