// Which MAC address an on-link IP address has: the table that ARP and NDP fill.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

struct net;

enum {
    NEIGHBOURS = 32,
    NEIGHBOUR_HELD_MAX = 14 + 1500,
};

struct neighbour {
    enum { NEIGHBOUR_FREE, NEIGHBOUR_ASKED, NEIGHBOUR_KNOWN } state;
    struct ip_address address;
    uint8_t mac[MAC_SIZE];
    uint64_t used_at;       // the entry unused for longest makes room for another
    uint64_t asked_at;      // last request sent
    uint64_t confirmed_at;  // last time it told us its MAC
    // The last frame sent to it while its MAC was not known goes out when it is.
    size_t held_size;
    uint8_t held[NEIGHBOUR_HELD_MAX];
};

// Sends net->frame, whose `size` payload bytes are written, to the on-link address `hop` (or the
// multicast group `hop`), after asking for its MAC if need be.
void neighbour_send(struct net* net, const struct ip_address* hop, uint16_t ethertype, size_t size);

// `address` said that its MAC is `mac`. With `create` it is worth remembering even if we have not
// asked: it is about to talk to us.
void neighbour_learn(struct net* net, const struct ip_address* address, const uint8_t mac[MAC_SIZE],
                     bool create);
