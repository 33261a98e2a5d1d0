// Ethernet in and out, and the stack's clockwork; see net.h.
#include "net.h"

#include <string.h>

#include "arp.h"
#include "bytes.h"
#include "ethernet.h"
#include "ip.h"
#include "ndp.h"

struct ethernet_header {
    uint8_t destination[MAC_SIZE], source[MAC_SIZE];
    be16 ethertype;
};

_Static_assert(sizeof(struct ethernet_header) == ETHERNET_HEADER, "no padding");

const uint8_t ethernet_broadcast[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void ethernet_send(struct net* net, uint8_t* frame, const uint8_t destination[MAC_SIZE],
                   uint16_t ethertype, size_t size) {
    struct ethernet_header h = {.ethertype = to_be16(ethertype)};
    memcpy(h.destination, destination, MAC_SIZE);
    memcpy(h.source, net->mac, MAC_SIZE);
    memcpy(frame, &h, sizeof h);
    net->environment.transmit(frame, sizeof h + size);
}

// Tells the link who has our addresses, so that switches learn where we are and neighbours that
// remember an earlier MAC forget it.
static void announce(struct net* net) {
    if (net->ipv4.used) {
        arp_announce(net);
    }
    if (net->ipv6.used) {
        ndp_announce(net);
    }
}

void net_link_up(struct net* net, uint64_t now) {
    net->now = now;
    // The interface identifier from the MAC, RFC 4291 appendix A.
    const uint8_t* m = net->mac;
    net->link_local =
        (struct ip_address){{0xfe, 0x80, [8] = m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
    net->announce_at = NEVER;
    if (!net->no_announce) {
        announce(net);
        net->announce_at = now + 2 * NANOSECONDS_PER_SECOND;  // RFC 5227: twice, 2 s apart
    }
}

void net_input(struct net* net, uint64_t now, const void* frame, size_t size) {
    const struct ethernet_header* h = frame;
    net->now = now;
    if (size < ETHERNET_HEADER || size > FRAME_MAX) {
        return;
    }
    // To us, to everybody, or to an IPv6 group: the rest is the bridge's flooding.
    bool group = (h->destination[0] & 1) != 0;
    if (!group && memcmp(h->destination, net->mac, MAC_SIZE) != 0) {
        return;
    }
    const uint8_t* data = (const uint8_t*)frame + ETHERNET_HEADER;
    size -= ETHERNET_HEADER;
    uint16_t ethertype = from_be16(h->ethertype);
    switch (ethertype) {
        case ETHERTYPE_ARP:
            arp_input(net, data, size);
            break;
        case ETHERTYPE_IPV4:
        case ETHERTYPE_IPV6:
            ip_input(net, ethertype, data, size);
            break;
        default:
            break;
    }
}

uint64_t net_tick(struct net* net, uint64_t now) {
    net->now = now;
    if (now >= net->announce_at) {
        announce(net);
        net->announce_at = NEVER;
    }
    uint64_t tcp_due = tcp_tick(net);
    return tcp_due < net->announce_at ? tcp_due : net->announce_at;
}
