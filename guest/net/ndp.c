// IPv6 Neighbor Discovery; see ndp.h.
#include "ndp.h"

#include <string.h>

#include "bytes.h"
#include "icmp.h"
#include "net.h"

enum {
    OPTION_SOURCE_MAC = 1,
    OPTION_TARGET_MAC = 2,
    FLAG_SOLICITED = 0x40,
    FLAG_OVERRIDE = 0x20,
    NDP_HOP_LIMIT = 255,  // proves that a packet has passed no router
};

struct ndp_message {
    uint8_t type, code;
    be16 checksum;
    uint8_t flags, reserved[3];
    uint8_t target[16];
};

struct ndp_mac_option {
    uint8_t type, length;  // in units of 8 bytes
    uint8_t mac[MAC_SIZE];
};

_Static_assert(sizeof(struct ndp_message) == 24, "no padding");
_Static_assert(sizeof(struct ndp_mac_option) == 8, "no padding");

static const struct ip_address all_nodes = {{0xff, 0x02, [15] = 1}};

// The group that a neighbour asks when it looks for `a` (RFC 4291 section 2.7.1).
static struct ip_address solicited_node_group(const struct ip_address* a) {
    return (struct ip_address){{0xff, 0x02, [11] = 1, 0xff, a->b[13], a->b[14], a->b[15]}};
}

bool ndp_is_our_group(const struct net* net, const struct ip_address* a) {
    struct ip_address group = solicited_node_group(&net->ipv6.address);
    struct ip_address local_group = solicited_node_group(&net->link_local);
    return address_equal(a, &group) || address_equal(a, &local_group);
}

static bool is_ours(const struct net* net, const struct ip_address* a) {
    return address_equal(a, &net->ipv6.address) || address_equal(a, &net->link_local);
}

static void send(struct net* net, uint8_t type, uint8_t flags, const struct ip_address* source,
                 const struct ip_address* destination, const struct ip_address* target) {
    struct ndp_message m = {.type = type, .flags = flags};
    struct ndp_mac_option option = {
        .type = type == NDP_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC,
        .length = 1,
    };
    memcpy(m.target, target->b, 16);
    memcpy(option.mac, net->mac, MAC_SIZE);
    uint8_t* out = ip_payload(net, destination);
    memcpy(out, &m, sizeof m);
    memcpy(out + sizeof m, &option, sizeof option);
    icmpv6_send(net, source, destination, NDP_HOP_LIMIT, sizeof m + sizeof option);
}

// Finds the MAC address in the options after the message. False if the options are broken or
// hold none; *broken tells which.
static bool find_mac(const struct ip_packet* p, uint8_t type, uint8_t mac[MAC_SIZE], bool* broken) {
    bool found = false;
    *broken = false;
    for (size_t at = sizeof(struct ndp_message); at < p->size;) {
        size_t left = p->size - at;
        size_t size = left < 2 ? 0 : (size_t)p->data[at + 1] * 8;
        if (size == 0 || size > left) {
            *broken = true;
            return false;
        }
        const struct ndp_mac_option* option = (const void*)(p->data + at);
        if (option->type == type && !found) {
            memcpy(mac, option->mac, MAC_SIZE);
            found = true;
        }
        at += size;
    }
    return found;
}

void ndp_input(struct net* net, const struct ip_packet* p) {
    const struct ndp_message* m = (const void*)p->data;
    if (p->size < sizeof *m || m->code != 0 || p->hop_limit != NDP_HOP_LIMIT) {
        return;
    }
    struct ip_address target = ipv6_address(m->target);
    bool broken, from_known = address_is_unicast(&p->source);
    uint8_t mac[MAC_SIZE];
    if (m->type == NDP_ADVERTISEMENT) {
        if (find_mac(p, OPTION_TARGET_MAC, mac, &broken) && !is_ours(net, &target)) {
            neighbour_learn(net, &target, mac, false);
        }
        return;
    }
    bool has_mac = find_mac(p, OPTION_SOURCE_MAC, mac, &broken);
    if (broken || !is_ours(net, &target) || is_ours(net, &p->source)) {
        return;
    }
    if (!from_known) {
        // Somebody tests whether our address is free (RFC 4862): tell everybody that it is not.
        if (!has_mac) {
            send(net, NDP_ADVERTISEMENT, FLAG_OVERRIDE, &target, &all_nodes, &target);
        }
        return;
    }
    if (has_mac) {
        neighbour_learn(net, &p->source, mac, true);
    }
    send(net, NDP_ADVERTISEMENT, FLAG_SOLICITED | FLAG_OVERRIDE, &target, &p->source, &target);
}

void ndp_solicit(struct net* net, const struct ip_address* target) {
    struct ip_address group = solicited_node_group(target);
    const struct ip_address* source =
        address_is_ipv6_link_local(target) ? &net->link_local : &net->ipv6.address;
    send(net, NDP_SOLICITATION, 0, source, &group, target);
}

void ndp_announce(struct net* net) {
    send(net, NDP_ADVERTISEMENT, FLAG_OVERRIDE, &net->ipv6.address, &all_nodes, &net->ipv6.address);
    send(net, NDP_ADVERTISEMENT, FLAG_OVERRIDE, &net->link_local, &all_nodes, &net->link_local);
}
