// Numbers of the protocols as far as packets are read and written here (IANA's registries).
#pragma once

#include <cstddef>

namespace summond::frames {

inline constexpr unsigned ethertype_ipv4 = 0x0800;
inline constexpr unsigned ethertype_arp = 0x0806;
inline constexpr unsigned ethertype_ipv6 = 0x86dd;
inline constexpr unsigned ethertype_vlan = 0x8100;          // IEEE 802.1Q
inline constexpr unsigned ethertype_service_vlan = 0x88a8;  // 802.1ad

// Sizes of headers in octets, without options.
inline constexpr std::size_t ethernet_size = 14;
inline constexpr std::size_t ipv4_size = 20;
inline constexpr std::size_t ipv6_size = 40;
inline constexpr std::size_t tcp_size = 20;
inline constexpr std::size_t udp_size = 8;
inline constexpr std::size_t icmp_size = 8;
inline constexpr std::size_t neighbour_size = 24;  // RFC 4861 §4.3, §4.4

// RFC 826.
inline constexpr std::size_t arp_size = 28;  // octets, of IPv4 over Ethernet (RFC 826)
inline constexpr unsigned arp_request = 1;
inline constexpr unsigned arp_reply = 2;

inline constexpr unsigned protocol_hop_by_hop = 0;
inline constexpr unsigned protocol_icmp = 1;
inline constexpr unsigned protocol_tcp = 6;
inline constexpr unsigned protocol_udp = 17;
inline constexpr unsigned protocol_routing = 43;
inline constexpr unsigned protocol_fragment = 44;
inline constexpr unsigned protocol_icmpv6 = 58;
inline constexpr unsigned protocol_destination_options = 60;

// RFC 9293 §3.1.
inline constexpr unsigned tcp_fin = 0x01;
inline constexpr unsigned tcp_syn = 0x02;
inline constexpr unsigned tcp_rst = 0x04;
inline constexpr unsigned tcp_psh = 0x08;
inline constexpr unsigned tcp_ack = 0x10;
inline constexpr std::size_t tcp_checksum = 16;  // where it is in the header

inline constexpr std::size_t icmp_checksum = 2;
inline constexpr unsigned icmp_echo_request = 8;      // RFC 792
inline constexpr unsigned icmpv6_echo_request = 128;  // RFC 4443

// RFC 4861 §4.3, §4.4, §4.6.1.
inline constexpr unsigned nd_solicitation = 135;
inline constexpr unsigned nd_advertisement = 136;
inline constexpr unsigned nd_hop_limit = 255;
inline constexpr unsigned nd_solicited = 0x40;
inline constexpr unsigned nd_override = 0x20;
inline constexpr unsigned nd_source_mac = 1;
inline constexpr unsigned nd_target_mac = 2;

inline constexpr unsigned mld_query = 130;
inline constexpr unsigned mld_report = 143;  // version 2, RFC 3810

}  // namespace summond::frames
