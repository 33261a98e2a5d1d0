// IPv4 (RFC 791) and IPv6 (RFC 8200), in and out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

struct net;

// A received packet on its way up: `size` bytes of `data` follow the IP header.
struct ip_packet {
    struct ip_address source, destination;
    bool to_us;  // destination is an address of ours, not a multicast group
    uint8_t protocol, hop_limit;
    const uint8_t* data;
    size_t size;
};

void ip_input(struct net* net, uint16_t ethertype, const uint8_t* data, size_t size);

// Where to write the payload of the next packet to `destination`: room for IP_PAYLOAD_MAX bytes.
uint8_t* ip_payload(struct net* net, const struct ip_address* destination);

// Sends the `size` bytes written there. `source` and `destination` are of the same family.
void ip_send(struct net* net, const struct ip_address* source, const struct ip_address* destination,
             uint8_t protocol, uint8_t hop_limit, size_t size);

// The checksum of TCP, UDP and ICMPv6, which covers a pseudo-header with the addresses. For bytes
// that contain their checksum it is 0 exactly if they are intact.
uint16_t ip_payload_checksum(const struct ip_address* source, const struct ip_address* destination,
                             uint8_t protocol, const void* data, size_t size);

enum { IP_PAYLOAD_MAX = 1500 - 40 };  // that fits a frame in both families
