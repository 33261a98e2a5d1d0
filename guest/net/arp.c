// ARP; see arp.h.
#include "arp.h"

#include <string.h>

#include "bytes.h"
#include "ethernet.h"
#include "neighbour.h"
#include "net.h"

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
    be16 hardware, protocol;
    uint8_t hardware_size, protocol_size;
    be16 operation;
    uint8_t sender_mac[MAC_SIZE], sender[4];
    uint8_t target_mac[MAC_SIZE], target[4];
};

_Static_assert(sizeof(struct arp_packet) == 28, "no padding");

static void send(struct net* net, uint16_t operation, const uint8_t destination[MAC_SIZE],
                 const uint8_t target_mac[MAC_SIZE], const uint8_t target[4]) {
    uint8_t frame[ETHERNET_HEADER + sizeof(struct arp_packet)];
    struct arp_packet p = {
        .hardware = to_be16(1),
        .protocol = to_be16(ETHERTYPE_IPV4),
        .hardware_size = MAC_SIZE,
        .protocol_size = 4,
        .operation = to_be16(operation),
    };
    memcpy(p.sender_mac, net->mac, MAC_SIZE);
    memcpy(p.sender, net->ipv4.address.b + 12, 4);
    memcpy(p.target_mac, target_mac, MAC_SIZE);
    memcpy(p.target, target, 4);
    memcpy(frame + ETHERNET_HEADER, &p, sizeof p);
    ethernet_send(net, frame, destination, ETHERTYPE_ARP, sizeof p);
}

void arp_input(struct net* net, const uint8_t* data, size_t size) {
    const struct arp_packet* p = (const void*)data;
    if (!net->ipv4.used || size < sizeof *p || from_be16(p->hardware) != 1 ||
        from_be16(p->protocol) != ETHERTYPE_IPV4 || p->hardware_size != MAC_SIZE ||
        p->protocol_size != 4) {
        return;
    }
    struct ip_address sender = ipv4_address(p->sender), target = ipv4_address(p->target);
    bool for_us = address_equal(&target, &net->ipv4.address);
    if (!address_equal(&sender, &net->ipv4.address)) {
        neighbour_learn(net, &sender, p->sender_mac, for_us);
    }
    if (for_us && from_be16(p->operation) == ARP_REQUEST) {
        send(net, ARP_REPLY, p->sender_mac, p->sender_mac, p->sender);
    }
}

void arp_request(struct net* net, const struct ip_address* target) {
    static const uint8_t unknown[MAC_SIZE];
    send(net, ARP_REQUEST, ethernet_broadcast, unknown, target->b + 12);
}

void arp_announce(struct net* net) {
    arp_request(net, &net->ipv4.address);
}
