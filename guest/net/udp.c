// UDP echo; see udp.h.
#include "udp.h"

#include <string.h>

#include "bytes.h"
#include "net.h"

enum { ECHO_PORT = 7 };

struct udp_header {
    be16 source_port, destination_port, length, checksum;
};

void udp_input(struct net* net, const struct ip_packet* p) {
    const struct udp_header* h = (const void*)p->data;
    if (p->size < sizeof *h) {
        return;
    }
    size_t size = from_be16(h->length);
    if (size < sizeof *h || size > p->size || size > IP_PAYLOAD_MAX) {
        return;
    }
    // In IPv4 a checksum of 0 means none (RFC 768); in IPv6 it is an error (RFC 8200 section 8.1).
    bool has_checksum = from_be16(h->checksum) != 0 || !address_is_ipv4(&p->source);
    if (has_checksum &&
        (from_be16(h->checksum) == 0 ||
         ip_payload_checksum(&p->source, &p->destination, PROTOCOL_UDP, p->data, size) != 0)) {
        return;
    }
    // A sender that uses a well-known port may be an echo service too, or be named as the sender by
    // somebody who would like to see the two echo to each other for ever.
    uint16_t source_port = from_be16(h->source_port);
    if (from_be16(h->destination_port) != ECHO_PORT || source_port < 1024) {
        return;
    }
    struct udp_header reply = {
        .source_port = to_be16(ECHO_PORT),
        .destination_port = to_be16(source_port),
        .length = to_be16((uint16_t)size),
    };
    uint8_t* out = ip_payload(net, &p->source);
    memcpy(out, &reply, sizeof reply);
    memcpy(out + sizeof reply, p->data + sizeof reply, size - sizeof reply);
    uint16_t sum = ip_payload_checksum(&p->destination, &p->source, PROTOCOL_UDP, out, size);
    reply.checksum = to_be16(sum ? sum : 0xffff);
    memcpy(out, &reply, sizeof reply);
    ip_send(net, &p->destination, &p->source, PROTOCOL_UDP, HOP_LIMIT, size);
}
