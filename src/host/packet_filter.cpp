#include "packet_filter.hpp"

#include <linux/if_ether.h>

namespace summond::host {
namespace {

constexpr sock_filter load_byte(unsigned offset) {
    return BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offset);
}
constexpr sock_filter load_half(unsigned offset) {
    return BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offset);
}
// Steps over so many instructions if it is equal, or is not.
constexpr sock_filter equal(unsigned value, std::uint8_t then, std::uint8_t otherwise) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise);
}
constexpr sock_filter has_bit(unsigned bit, std::uint8_t then, std::uint8_t otherwise) {
    return BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bit, then, otherwise);
}
constexpr sock_filter load_header_length = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14);  // of IPv4
constexpr sock_filter skip(unsigned instructions) {
    return BPF_STMT(BPF_JMP | BPF_JA, instructions);
}
// Behind IPv4's header: the offset of octet 0 of Ethernet's payload is 14.
constexpr sock_filter load_byte_behind(unsigned offset) {
    return BPF_STMT(BPF_LD | BPF_B | BPF_IND, 14 + offset);
}
constexpr sock_filter load_half_behind(unsigned offset) {
    return BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14 + offset);
}
constexpr sock_filter accept(unsigned octets) {
    return BPF_STMT(BPF_RET | BPF_K, octets);
}
constexpr sock_filter accept_it = accept(0xffff);
constexpr sock_filter drop_it = BPF_STMT(BPF_RET | BPF_K, 0);

}  // namespace

Filter to_tap() {
    return {
        load_byte(0),
        has_bit(1, 0, 8),
        load_half(12),
        equal(ETH_P_ARP, 6, 0),
        equal(ETH_P_IPV6, 0, 6),
        load_byte(20),
        equal(0, 3, 0),
        equal(58, 0, 3),
        load_byte(54),
        equal(135, 0, 1),
        accept_it,
        drop_it,
    };
}

Filter from_guest() {
    return {
        load_half(12),            // Ethernet type
        equal(ETH_P_ARP, 14, 0),  // accept
        equal(ETH_P_IPV6, 0, 6),  // or to IPv4
        load_byte(20),            // IPv6: next header
        equal(58, 11, 0),         // accept
        equal(17, 10, 0),         // accept
        equal(6, 0, 10),          // or drop
        load_byte(67),            // TCP's flags
        skip(6),                  // to the flags
        equal(ETH_P_IP, 0, 7),    // IPv4, or drop
        load_byte(23),            // its protocol
        equal(17, 4, 0),          // accept
        equal(6, 0, 4),           // or drop
        load_header_length,       // its header's length
        load_byte_behind(13),     // TCP's flags
        has_bit(0x0f, 0, 1),      // FIN, SYN, RST, PSH
        accept_it,
        drop_it,
    };
}

Filter to_probe(std::uint16_t port, std::size_t longest) {
    return {
        load_half(12),            // Ethernet type
        equal(ETH_P_ARP, 10, 0),  // accept
        equal(ETH_P_IPV6, 5, 0),  // to IPv6
        equal(ETH_P_IP, 0, 9),    // IPv4, or drop
        load_header_length,       //
        load_half_behind(2),      // destination port
        equal(port, 0, 6),        // or drop
        skip(4),                  // accept
        load_byte(54),            // IPv6: ICMPv6 type
        equal(135, 2, 0),         // accept
        load_half(56),            // destination port
        equal(port, 0, 1),        // or drop
        accept(static_cast<unsigned>(longest)),
        drop_it,
    };
}

sock_fprog program(Filter& filter) {
    return {static_cast<unsigned short>(filter.size()), filter.data()};
}

}  // namespace summond::host
