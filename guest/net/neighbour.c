// The table of neighbours; see neighbour.h.
//
// It has no timers: an entry's age is looked at when a packet is to be sent to it, and a lost
// request is repeated when the sender, TCP or the peer's ping, tries again.
#include "neighbour.h"

#include <string.h>

#include "arp.h"
#include "bytes.h"
#include "ethernet.h"
#include "ndp.h"
#include "net.h"

#define ASK_AGAIN_AFTER NANOSECONDS_PER_SECOND
#define CONFIRM_AFTER (300 * NANOSECONDS_PER_SECOND)

static struct neighbour* find(struct net* net, const struct ip_address* address) {
    for (struct neighbour* n = net->neighbours; n < net->neighbours + NEIGHBOURS; n++) {
        if (n->state != NEIGHBOUR_FREE && address_equal(&n->address, address)) {
            return n;
        }
    }
    return NULL;
}

static struct neighbour* create_entry(struct net* net, const struct ip_address* address) {
    struct neighbour* victim = net->neighbours;
    for (struct neighbour* n = net->neighbours; n < net->neighbours + NEIGHBOURS; n++) {
        if (n->state == NEIGHBOUR_FREE) {
            victim = n;
            break;
        }
        if (n->used_at < victim->used_at) {
            victim = n;
        }
    }
    victim->state = NEIGHBOUR_ASKED;
    victim->address = *address;
    victim->used_at = net->now;
    victim->asked_at = 0;
    victim->held_size = 0;
    return victim;
}

static void ask(struct net* net, struct neighbour* n) {
    if (n->asked_at && net->now - n->asked_at < ASK_AGAIN_AFTER) {
        return;
    }
    n->asked_at = net->now;
    if (address_is_ipv4(&n->address)) {
        arp_request(net, &n->address);
    } else {
        ndp_solicit(net, &n->address);
    }
}

void neighbour_send(struct net* net, const struct ip_address* hop, uint16_t ethertype,
                    size_t size) {
    if (address_is_ipv6_multicast(hop)) {  // RFC 2464 section 7
        uint8_t group[MAC_SIZE] = {0x33, 0x33, hop->b[12], hop->b[13], hop->b[14], hop->b[15]};
        ethernet_send(net, net->frame, group, ethertype, size);
        return;
    }
    struct neighbour* n = find(net, hop);
    if (!n) {
        n = create_entry(net, hop);
    }
    n->used_at = net->now;
    if (n->state == NEIGHBOUR_KNOWN && net->now - n->confirmed_at < CONFIRM_AFTER) {
        ethernet_send(net, net->frame, n->mac, ethertype, size);
        return;
    }
    n->state = NEIGHBOUR_ASKED;
    n->held_size = size;
    memcpy(n->held + ETHERNET_HEADER, net->frame + ETHERNET_HEADER, size);
    ask(net, n);
}

void neighbour_learn(struct net* net, const struct ip_address* address, const uint8_t mac[MAC_SIZE],
                     bool create) {
    if (!address_is_unicast(address) || (mac[0] & 1)) {
        return;
    }
    struct neighbour* n = find(net, address);
    if (!n && create) {
        n = create_entry(net, address);
    }
    if (!n) {
        return;
    }
    n->state = NEIGHBOUR_KNOWN;
    n->confirmed_at = net->now;
    memcpy(n->mac, mac, MAC_SIZE);
    if (n->held_size) {
        uint16_t ethertype = address_is_ipv4(address) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
        ethernet_send(net, n->held, n->mac, ethertype, n->held_size);
        n->held_size = 0;
    }
}
