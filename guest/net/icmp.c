// ICMP echo; see icmp.h.
#include "icmp.h"

#include <string.h>

#include "bytes.h"
#include "ndp.h"
#include "net.h"

enum {
    ICMPV4_ECHO_REPLY = 0,
    ICMPV4_ECHO = 8,
    ICMPV6_ECHO = 128,
    ICMPV6_ECHO_REPLY = 129,
    ICMP_ECHO_HEADER = 8,
};

struct icmp_header {
    uint8_t type, code;
    be16 checksum;
};

// Copies the message to where the answer is built and turns it into one, except for the checksum.
static uint8_t* copy_as_reply(struct net* net, const struct ip_packet* p, uint8_t type) {
    uint8_t* out = ip_payload(net, &p->source);
    struct icmp_header h = {.type = type};
    memcpy(out, p->data, p->size);
    memcpy(out, &h, sizeof h);
    return out;
}

void icmpv4_input(struct net* net, const struct ip_packet* p) {
    const struct icmp_header* h = (const void*)p->data;
    // A packet without IP options can be 20 bytes larger than IP_PAYLOAD_MAX, and be answered.
    if (p->size < ICMP_ECHO_HEADER || p->size > MTU - IPV4_HEADER || h->type != ICMPV4_ECHO ||
        h->code != 0 || checksum_finish(checksum_add(0, p->data, p->size)) != 0) {
        return;
    }
    uint8_t* out = copy_as_reply(net, p, ICMPV4_ECHO_REPLY);
    struct icmp_header reply = {
        .type = ICMPV4_ECHO_REPLY,
        .checksum = to_be16(checksum_finish(checksum_add(0, out, p->size))),
    };
    memcpy(out, &reply, sizeof reply);
    ip_send(net, &p->destination, &p->source, PROTOCOL_ICMP, HOP_LIMIT, p->size);
}

void icmpv6_send(struct net* net, const struct ip_address* source,
                 const struct ip_address* destination, uint8_t hop_limit, size_t size) {
    uint8_t* out = ip_payload(net, destination);
    struct icmp_header h = {.type = out[0], .code = out[1]};
    memcpy(out, &h, sizeof h);
    h.checksum = to_be16(ip_payload_checksum(source, destination, PROTOCOL_ICMPV6, out, size));
    memcpy(out, &h, sizeof h);
    ip_send(net, source, destination, PROTOCOL_ICMPV6, hop_limit, size);
}

void icmpv6_input(struct net* net, const struct ip_packet* p) {
    const struct icmp_header* h = (const void*)p->data;
    if (p->size < ICMP_ECHO_HEADER || p->size > IP_PAYLOAD_MAX ||
        ip_payload_checksum(&p->source, &p->destination, PROTOCOL_ICMPV6, p->data, p->size) != 0) {
        return;
    }
    switch (h->type) {
        case NDP_SOLICITATION:
        case NDP_ADVERTISEMENT:
            ndp_input(net, p);
            break;
        case ICMPV6_ECHO:
            if (p->to_us && h->code == 0 && address_is_unicast(&p->source)) {
                copy_as_reply(net, p, ICMPV6_ECHO_REPLY);
                icmpv6_send(net, &p->destination, &p->source, HOP_LIMIT, p->size);
            }
            break;
        default:
            break;
    }
}
