#include "summond/wire/probe.hpp"

#include <algorithm>
#include <array>

#include "bytes.hpp"
#include "protocols.hpp"

namespace summond::wire {
namespace {

using base::IpAddress;

// RFC 9293 §3.1.
constexpr unsigned tcp_syn = 0x02;
constexpr unsigned tcp_rst = 0x04;
constexpr unsigned tcp_ack = 0x10;
constexpr std::size_t tcp_header = 20;

constexpr std::size_t ethernet_header = 14;
constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::size_t arp_size = 28;
constexpr std::size_t solicitation_size = 24;  // RFC 4861 §4.3, without options

IpAddress ipv4(Bytes at, std::size_t offset) {
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(at.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
    return IpAddress::v4(bytes);
}

IpAddress ipv6(Bytes at, std::size_t offset) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(at.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
    return IpAddress::v6(bytes);
}

Mac mac(Bytes at, std::size_t offset) {
    Mac result{};
    std::copy_n(at.begin() + static_cast<std::ptrdiff_t>(offset), result.size(), result.begin());
    return result;
}

void put_checksum(std::span<std::uint8_t> at, std::uint16_t sum) {
    at[0] = static_cast<std::uint8_t>(sum >> 8);
    at[1] = static_cast<std::uint8_t>(sum);
}

std::vector<std::uint8_t> segment(const base::Endpoint& from, const base::Endpoint& to,
                                  unsigned flags, std::uint32_t sequence, Bytes options) {
    std::vector<std::uint8_t> tcp;
    Writer(tcp)
        .u16(from.port)
        .u16(to.port)
        .u16(sequence >> 16)
        .u16(sequence & 0xffff)
        .zeros(4)
        .u8(static_cast<unsigned>((tcp_header + options.size()) / 4 << 4))
        .u8(flags)
        .u16(0xffff)
        .zeros(4)
        .bytes(options);
    // RFC 9293 §3.1: the pseudo-header, which comes to the same in IPv4 and IPv6.
    const auto sum =
        fold(add_up(tcp, add_up(from.address.bytes(), add_up(to.address.bytes(), protocol_tcp)) +
                             static_cast<std::uint32_t>(tcp.size())));
    put_checksum(std::span(tcp).subspan(16, 2), sum);
    return tcp;
}

Frame packet(const Station& from, const Station& to, const std::vector<std::uint8_t>& tcp) {
    Frame frame;
    Writer writer(frame);
    writer.bytes(to.mac).bytes(from.mac);
    if (from.at.address.is_v6()) {
        writer.u16(ethertype_ipv6)
            .u16(0x6000)
            .u16(0)
            .u16(static_cast<unsigned>(tcp.size()))
            .u8(protocol_tcp)
            .u8(64);
    } else {
        std::vector<std::uint8_t> header;
        Writer(header)
            .u8(0x45)
            .u8(0)
            .u16(static_cast<unsigned>(ipv4_header + tcp.size()))
            .u16(0)
            .u16(0x4000)  // not to be fragmented
            .u8(64)
            .u8(protocol_tcp)
            .u16(0);
        const auto sum =
            fold(add_up(from.at.address.bytes(), add_up(to.at.address.bytes(), add_up(header))));
        put_checksum(std::span(header).subspan(10, 2), sum);
        writer.u16(ethertype_ipv4).bytes(header);
    }
    writer.bytes(from.at.address.bytes()).bytes(to.at.address.bytes()).bytes(tcp);
    return frame;
}

Heard hear_arp(Bytes arp) {
    // Ethernet, IPv4, their lengths, a request.
    constexpr std::array<std::uint8_t, 8> request{0, 1, 8, 0, 6, 4, 0, arp_request};
    if (arp.size() < arp_size || !std::ranges::equal(arp.first(request.size()), request))
        return {};
    return Question{mac(arp, 8), ipv4(arp, 14), ipv4(arp, 24)};
}

Heard hear_tcp(const IpAddress& from, const IpAddress& to, Bytes tcp) {
    if (tcp.size() < tcp_header)
        return {};
    const unsigned flags = tcp[13];
    return Segment{.from = {from, get16(tcp, 0)},
                   .to = {to, get16(tcp, 2)},
                   .syn = (flags & tcp_syn) != 0,
                   .ack = (flags & tcp_ack) != 0,
                   .rst = (flags & tcp_rst) != 0,
                   .acknowledges = get32(tcp, 8)};
}

Heard hear_ipv4(Bytes ip) {
    if (ip.size() < ipv4_header || ip[0] >> 4 != 4)
        return {};
    const std::size_t header = (ip[0] & 15U) * 4;
    const bool fragment = (get16(ip, 6) & 0x3fff) != 0;
    if (header < ipv4_header || ip.size() < header || fragment || ip[9] != protocol_tcp)
        return {};
    return hear_tcp(ipv4(ip, 12), ipv4(ip, 16), ip.subspan(header));
}

Heard hear_ipv6(const Mac& from, Bytes ip) {
    if (ip.size() < ipv6_header || ip[0] >> 4 != 6)
        return {};
    const Bytes payload = ip.subspan(ipv6_header);
    if (ip[6] == protocol_tcp)
        return hear_tcp(ipv6(ip, 8), ipv6(ip, 24), payload);
    // RFC 4861 §7.1.1: no router has passed it on.
    if (ip[6] == protocol_icmpv6 && ip[7] == nd_hop_limit && payload.size() >= solicitation_size &&
        payload[0] == nd_solicitation && payload[1] == 0)
        return Question{from, ipv6(ip, 8), ipv6(payload, 8)};
    return {};
}

}  // namespace

Frame syn(const Station& from, const Station& to, std::uint32_t sequence) {
    constexpr std::array<std::uint8_t, 4> max_segment_size{2, 4, 1220 >> 8, 1220 & 0xff};
    return packet(from, to, segment(from.at, to.at, tcp_syn, sequence, max_segment_size));
}

Frame reset(const Station& from, const Station& to, std::uint32_t sequence) {
    return packet(from, to, segment(from.at, to.at, tcp_rst, sequence + 1, {}));
}

Heard hear(std::span<const std::uint8_t> frame) {
    if (frame.size() < ethernet_header)
        return {};
    const Bytes payload = frame.subspan(ethernet_header);
    switch (get16(frame, 12)) {
        case ethertype_arp:
            return hear_arp(payload);
        case ethertype_ipv4:
            return hear_ipv4(payload);
        case ethertype_ipv6:
            return hear_ipv6(mac(frame, 6), payload);
        default:
            return {};
    }
}

}  // namespace summond::wire
