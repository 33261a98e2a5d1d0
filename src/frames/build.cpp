#include "summond/frames/build.hpp"

#include <array>
#include <utility>

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

void put_checksum(std::span<std::uint8_t> at, std::uint16_t sum) {
    at[0] = static_cast<std::uint8_t>(sum >> 8);
    at[1] = static_cast<std::uint8_t>(sum);
}

// What of a message differs with its protocol.
struct Message {
    unsigned protocol;
    unsigned hop_limit;
    std::size_t checksum_at;  // where it stands in octets, zero as yet
    std::vector<std::uint8_t> octets{};
    Bytes options{};  // a hop-by-hop header before it (IPv6), or nothing
};

void put_ipv4_header(Writer& writer, const Station& from, const Station& to,
                     const Message& message) {
    std::vector<std::uint8_t> header;
    Writer(header)
        .u8(0x45)
        .u8(0)
        .u16(static_cast<unsigned>(ipv4_size + message.octets.size()))
        .u16(0)
        .u16(0x4000)  // not to be fragmented
        .u8(message.hop_limit)
        .u8(message.protocol)
        .u16(0)
        .bytes(from.at.address.bytes())
        .bytes(to.at.address.bytes());
    put_checksum(std::span(header).subspan(10, 2), fold(add_up(header)));
    writer.u16(ethertype_ipv4).bytes(header);
}

void put_ipv6_header(Writer& writer, const Station& from, const Station& to,
                     const Message& message) {
    writer.u16(ethertype_ipv6)
        .u16(0x6000)
        .u16(0)
        .u16(static_cast<unsigned>(message.options.size() + message.octets.size()))
        .u8(message.options.empty() ? message.protocol : protocol_hop_by_hop)
        .u8(message.hop_limit)
        .bytes(from.at.address.bytes())
        .bytes(to.at.address.bytes())
        .bytes(message.options);
}

// Ethernet and IP around a message.
Frame packet(const Station& from, const Station& to, Message message) {
    // The pseudo-header of RFC 9293 §3.1 comes to the same as that of RFC 8200 §8.1.
    const auto ends =
        add_up(from.at.address.bytes(), add_up(to.at.address.bytes(), message.protocol));
    put_checksum(
        std::span(message.octets).subspan(message.checksum_at, 2),
        fold(add_up(message.octets, ends) + static_cast<std::uint32_t>(message.octets.size())));
    Frame frame;
    Writer writer(frame);
    writer.bytes(to.mac).bytes(from.mac);
    if (from.at.address.is_v6())
        put_ipv6_header(writer, from, to, message);
    else
        put_ipv4_header(writer, from, to, message);
    writer.bytes(message.octets);
    return frame;
}

// A neighbour solicitation or advertisement with its one option (RFC 4861 §4.3, §4.4).
Frame neighbour(const Mac& to_mac, const Mac& from_mac, const IpAddress& from, const IpAddress& to,
                unsigned type, unsigned flags, const IpAddress& target, unsigned option) {
    Message message{protocol_icmpv6, nd_hop_limit, icmp_checksum};
    Writer(message.octets)
        .u8(type)
        .u8(0)
        .u16(0)
        .u8(flags)
        .zeros(3)
        .bytes(target.bytes())
        .u8(option)
        .u8(1)
        .bytes(from_mac);
    return packet({from_mac, {from, 0}}, {to_mac, {to, 0}}, std::move(message));
}

struct TcpHeader {
    unsigned flags;
    std::uint32_t sequence;
    std::uint32_t acknowledges = 0;
};

Frame segment(const Station& from, const Station& to, const TcpHeader& header, Bytes options = {},
              Bytes payload = {}) {
    constexpr unsigned hop_limit = 64;
    Message message{protocol_tcp, hop_limit, tcp_checksum};
    Writer(message.octets)
        .u16(from.at.port)
        .u16(to.at.port)
        .u16(header.sequence >> 16)
        .u16(header.sequence & 0xffff)
        .u16(header.acknowledges >> 16)
        .u16(header.acknowledges & 0xffff)
        .u8(static_cast<unsigned>((tcp_size + options.size()) / 4 << 4))
        .u8(header.flags)
        .u16(0xffff)
        .zeros(4)
        .bytes(options)
        .bytes(payload);
    return packet(from, to, std::move(message));
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
    Message message{protocol_icmpv6, 1, icmp_checksum, {}, router_alert};
    Writer writer(message.octets);
    writer.u8(mld_report).u8(0).u16(0).u16(0).u16(static_cast<unsigned>(groups.size()));
    for (const IpAddress& group : groups)
        writer.u8(exclude_nobody).u8(0).u16(0).bytes(group.bytes());
    return packet({mac, {link_local(mac), 0}},
                  {multicast_mac(all_mld_routers), {all_mld_routers, 0}}, std::move(message));
}

Frame syn(const Station& from, const Station& to, std::uint32_t sequence) {
    constexpr std::array<std::uint8_t, 4> max_segment_size{2, 4, 1220 >> 8, 1220 & 0xff};
    return segment(from, to, {tcp_syn, sequence}, max_segment_size);
}

Frame data(const Station& from, const Station& to, std::uint32_t sequence,
           std::uint32_t acknowledges, const std::string& octets) {
    const Bytes payload(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
    return segment(from, to, {tcp_ack | tcp_psh, sequence, acknowledges}, {}, payload);
}

Frame reset(const Station& from, const Station& to, std::uint32_t sequence) {
    return segment(from, to, {tcp_rst, sequence});
}

Frame refusal(const Mac& mac, const Mac& to_mac, const IpPacket& segment) {
    const TcpHeader header =
        segment.acks ? TcpHeader{tcp_rst, segment.acknowledges}
                     : TcpHeader{tcp_rst | tcp_ack, 0, segment.sequence + segment.length};
    return frames::segment({mac, {segment.to, segment.to_port}},
                           {to_mac, {segment.from, segment.from_port}}, header);
}

Frame proof_question(const Mac& mac, const Mac& to_mac, const IpPacket& syn,
                     std::uint32_t acknowledges) {
    return segment({mac, {syn.to, syn.to_port}}, {to_mac, {syn.from, syn.from_port}},
                   {tcp_syn | tcp_ack, 0, acknowledges});
}

Frame repeated_reset(const Mac& mac, const Mac& to_mac, const IpPacket& reset) {
    return segment({mac, {reset.from, reset.from_port}}, {to_mac, {reset.to, reset.to_port}},
                   {reset.acks ? tcp_rst | tcp_ack : tcp_rst, reset.sequence, reset.acknowledges});
}

}  // namespace summond::frames
