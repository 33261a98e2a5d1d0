#include "summond/frames/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "bytes.hpp"
#include "protocols.hpp"

namespace summond::frames {
namespace {

using base::IpAddress;

// RFC 9293 §3.1.
constexpr unsigned tcp_fin = 0x01;
constexpr unsigned tcp_syn = 0x02;
constexpr unsigned tcp_rst = 0x04;
constexpr unsigned tcp_psh = 0x08;
constexpr unsigned tcp_ack = 0x10;
constexpr std::size_t tcp_header = 20;

constexpr std::size_t ethernet_header = 14;
constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
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

struct Header {
    unsigned flags;
    std::uint32_t sequence;
    std::uint32_t acknowledges = 0;
};

std::vector<std::uint8_t> segment(const base::Endpoint& from, const base::Endpoint& to,
                                  const Header& header, Bytes options, Bytes payload) {
    std::vector<std::uint8_t> tcp;
    Writer(tcp)
        .u16(from.port)
        .u16(to.port)
        .u16(header.sequence >> 16)
        .u16(header.sequence & 0xffff)
        .u16(header.acknowledges >> 16)
        .u16(header.acknowledges & 0xffff)
        .u8(static_cast<unsigned>((tcp_header + options.size()) / 4 << 4))
        .u8(header.flags)
        .u16(0xffff)
        .zeros(4)
        .bytes(options)
        .bytes(payload);
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
    const std::size_t header = (tcp[12] >> 4) * 4U;
    if (header < tcp_header)
        return {};
    return Segment{.from = {from, get16(tcp, 0)},
                   .to = {to, get16(tcp, 2)},
                   .fin = (flags & tcp_fin) != 0,
                   .syn = (flags & tcp_syn) != 0,
                   .rst = (flags & tcp_rst) != 0,
                   .ack = (flags & tcp_ack) != 0,
                   .sequence = get32(tcp, 4),
                   .acknowledges = get32(tcp, 8),
                   .payload = tcp.subspan(std::min(header, tcp.size()))};
}

Heard hear_ipv4(Bytes ip) {
    if (ip.size() < ipv4_header || ip[0] >> 4 != 4)
        return {};
    const std::size_t header = (ip[0] & 15U) * 4;
    const bool fragment = (get16(ip, 6) & 0x3fff) != 0;
    if (header < ipv4_header || ip.size() < header || fragment || ip[9] != protocol_tcp)
        return {};
    const std::size_t size = get16(ip, 2);  // without what Ethernet fills short frames up with
    if (size < header)
        return {};
    return hear_tcp(ipv4(ip, 12), ipv4(ip, 16),
                    ip.first(std::min(size, ip.size())).subspan(header));
}

Heard hear_ipv6(const Mac& from, Bytes ip) {
    if (ip.size() < ipv6_header || ip[0] >> 4 != 6)
        return {};
    const std::size_t size = get16(ip, 4);
    const Bytes payload = ip.subspan(ipv6_header, std::min(size, ip.size() - ipv6_header));
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
    return packet(from, to, segment(from.at, to.at, {tcp_syn, sequence}, max_segment_size, {}));
}

Frame data(const Station& from, const Station& to, std::uint32_t sequence,
           std::uint32_t acknowledges, const std::string& octets) {
    const Bytes payload(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
    return packet(
        from, to,
        segment(from.at, to.at, {tcp_ack | tcp_psh, sequence, acknowledges}, {}, payload));
}

Frame reset(const Station& from, const Station& to, std::uint32_t sequence) {
    return packet(from, to, segment(from.at, to.at, {tcp_rst, sequence}, {}, {}));
}

Frame refusal(const Mac& mac, const Mac& to_mac, const IpPacket& segment) {
    const Station nobody{mac, {segment.to, segment.to_port}};
    const Station peer{to_mac, {segment.from, segment.from_port}};
    const Header header = segment.acks
                              ? Header{tcp_rst, segment.acknowledges}
                              : Header{tcp_rst | tcp_ack, 0, segment.sequence + segment.length};
    return packet(nobody, peer, frames::segment(nobody.at, peer.at, header, {}, {}));
}

Frame repeated_reset(const Mac& mac, const Mac& to_mac, const IpPacket& reset) {
    const Station guest{mac, {reset.from, reset.from_port}};
    const Station peer{to_mac, {reset.to, reset.to_port}};
    const Header header{reset.acks ? tcp_rst | tcp_ack : tcp_rst, reset.sequence,
                        reset.acknowledges};
    return packet(guest, peer, frames::segment(guest.at, peer.at, header, {}, {}));
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

std::string http_get(const std::string& path, const base::Endpoint& server) {
    const std::string address = server.address.to_string();
    return fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: summond\r\nConnection: close\r\n\r\n", path,
        server.address.is_v6() ? "[" + address + "]" : address, server.port);
}

bool is_up(std::span<const std::uint8_t> response) {
    constexpr std::size_t status = 9;  // in "HTTP/1.1 200 OK"
    const std::string_view line(reinterpret_cast<const char*>(response.data()), response.size());
    return line.size() > status && line.starts_with("HTTP/1.") && line[status - 1] == ' ' &&
           line[status] >= '1' && line[status] <= '4';
}

}  // namespace summond::frames
