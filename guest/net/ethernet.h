// Ethernet frames.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct net;

enum ethertype {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_IPV6 = 0x86dd,
};

extern const uint8_t ethernet_broadcast[6];

// Puts the header before the `size` payload bytes that already stand in `frame` behind it, and
// sends the frame.
void ethernet_send(struct net* net, uint8_t* frame, const uint8_t destination[6],
                   uint16_t ethertype, size_t size);
