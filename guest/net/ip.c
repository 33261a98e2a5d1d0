// IPv4 and IPv6, in and out; see ip.h.
//
// Left out because nothing here needs it: fragments (dropped in, never made), IPv6 extension
// headers and, in IPv4, options (skipped). A host answers only for its own addresses.
#include "ip.h"

#include <string.h>

#include "bytes.h"
#include "ethernet.h"
#include "icmp.h"
#include "ndp.h"
#include "net.h"
#include "udp.h"

struct ipv4_header {
    uint8_t version_ihl, service;
    be16 total_length, id, fragment;
    uint8_t ttl, protocol;
    be16 checksum;
    uint8_t source[4], destination[4];
};

struct ipv6_header {
    be32 version_class_flow;
    be16 payload_length;
    uint8_t next_header, hop_limit;
    uint8_t source[16], destination[16];
};

_Static_assert(sizeof(struct ipv4_header) == IPV4_HEADER, "no padding");
_Static_assert(sizeof(struct ipv6_header) == IPV6_HEADER, "no padding");

static const struct ip_address all_nodes = {{0xff, 0x02, [15] = 1}};

static bool ipv4_parse(struct net* net, const uint8_t* data, size_t size, struct ip_packet* p) {
    const struct ipv4_header* h = (const void*)data;
    if (!net->ipv4.used || size < IPV4_HEADER || h->version_ihl >> 4 != 4) {
        return false;
    }
    size_t header = (size_t)(h->version_ihl & 15) * 4;
    size_t total = from_be16(h->total_length);
    if (header < IPV4_HEADER || total < header || total > size ||
        checksum_finish(checksum_add(0, data, header)) != 0) {
        return false;
    }
    if (from_be16(h->fragment) & 0x3fff) {  // more fragments, or not the first
        return false;
    }
    *p = (struct ip_packet){
        .source = ipv4_address(h->source),
        .destination = ipv4_address(h->destination),
        .protocol = h->protocol,
        .hop_limit = h->ttl,
        .data = data + header,
        .size = total - header,
    };
    p->to_us = address_equal(&p->destination, &net->ipv4.address);
    return p->to_us && address_is_unicast(&p->source);
}

static bool ipv6_parse(struct net* net, const uint8_t* data, size_t size, struct ip_packet* p) {
    const struct ipv6_header* h = (const void*)data;
    if (!net->ipv6.used || size < IPV6_HEADER || h->version_class_flow.b[0] >> 4 != 6) {
        return false;
    }
    size_t payload = from_be16(h->payload_length);
    if (payload > size - IPV6_HEADER) {
        return false;
    }
    *p = (struct ip_packet){
        .source = ipv6_address(h->source),
        .destination = ipv6_address(h->destination),
        .protocol = h->next_header,
        .hop_limit = h->hop_limit,
        .data = data + IPV6_HEADER,
        .size = payload,
    };
    // An IPv4-mapped address is this program's way to write an IPv4 address, and has no business
    // in an IPv6 header (RFC 4291 section 2.5.5.2 keeps them inside hosts).
    if (address_is_ipv4(&p->source)) {
        return false;
    }
    p->to_us = address_equal(&p->destination, &net->ipv6.address) ||
               address_equal(&p->destination, &net->link_local);
    bool to_group =
        address_equal(&p->destination, &all_nodes) || ndp_is_our_group(net, &p->destination);
    static const struct ip_address unspecified;  // the source of a neighbour that tests an address
    return (p->to_us || to_group) &&
           (address_is_unicast(&p->source) || address_equal(&p->source, &unspecified));
}

void ip_input(struct net* net, uint16_t ethertype, const uint8_t* data, size_t size) {
    struct ip_packet p;
    bool ipv4 = ethertype == ETHERTYPE_IPV4;
    if (!(ipv4 ? ipv4_parse : ipv6_parse)(net, data, size, &p)) {
        return;
    }
    if (p.protocol == PROTOCOL_ICMPV6 && !ipv4) {
        icmpv6_input(net, &p);
    } else if (!p.to_us || !address_is_unicast(&p.source)) {
        return;
    } else if (p.protocol == PROTOCOL_ICMP && ipv4) {
        icmpv4_input(net, &p);
    } else if (p.protocol == PROTOCOL_UDP) {
        udp_input(net, &p);
    } else if (p.protocol == PROTOCOL_TCP) {
        tcp_input(net, &p);
    }
}

uint8_t* ip_payload(struct net* net, const struct ip_address* destination) {
    return net->frame + ETHERNET_HEADER +
           (address_is_ipv4(destination) ? IPV4_HEADER : IPV6_HEADER);
}

// Finds the neighbour that takes packets for `destination`. False if there is none.
static bool next_hop(const struct net* net, const struct ip_address* destination,
                     struct ip_address* hop) {
    const struct net_interface* i = address_is_ipv4(destination) ? &net->ipv4 : &net->ipv6;
    if (address_is_ipv6_multicast(destination) || address_is_ipv6_link_local(destination) ||
        address_in_prefix(destination, &i->address, i->prefix)) {
        *hop = *destination;
        return true;
    }
    *hop = i->gateway;
    return i->has_gateway;
}

void ip_send(struct net* net, const struct ip_address* source, const struct ip_address* destination,
             uint8_t protocol, uint8_t hop_limit, size_t size) {
    uint8_t* packet = net->frame + ETHERNET_HEADER;
    struct ip_address hop;
    if (!next_hop(net, destination, &hop)) {
        return;
    }
    if (address_is_ipv4(destination)) {
        struct ipv4_header h = {
            .version_ihl = 4 << 4 | IPV4_HEADER / 4,
            .total_length = to_be16((uint16_t)(IPV4_HEADER + size)),
            .fragment = to_be16(0x4000),  // do not fragment; so the id may be 0 (RFC 6864)
            .ttl = hop_limit,
            .protocol = protocol,
        };
        memcpy(h.source, source->b + 12, 4);
        memcpy(h.destination, destination->b + 12, 4);
        h.checksum = to_be16(checksum_finish(checksum_add(0, &h, sizeof h)));
        memcpy(packet, &h, sizeof h);
        neighbour_send(net, &hop, ETHERTYPE_IPV4, IPV4_HEADER + size);
    } else {
        struct ipv6_header h = {
            .version_class_flow = to_be32(6u << 28),
            .payload_length = to_be16((uint16_t)size),
            .next_header = protocol,
            .hop_limit = hop_limit,
        };
        memcpy(h.source, source->b, 16);
        memcpy(h.destination, destination->b, 16);
        memcpy(packet, &h, sizeof h);
        neighbour_send(net, &hop, ETHERTYPE_IPV6, IPV6_HEADER + size);
    }
}

uint16_t ip_payload_checksum(const struct ip_address* source, const struct ip_address* destination,
                             uint8_t protocol, const void* data, size_t size) {
    // The pseudo-headers of RFC 9293 section 3.1 and RFC 8200 section 8.1 differ in layout but
    // sum up alike: both addresses, the protocol, the length.
    size_t skip = address_is_ipv4(destination) ? 12 : 0;
    uint32_t sum = checksum_add(0, source->b + skip, 16 - skip);
    sum = checksum_add(sum, destination->b + skip, 16 - skip);
    return checksum_finish(checksum_add(sum + protocol + (uint32_t)size, data, size));
}
