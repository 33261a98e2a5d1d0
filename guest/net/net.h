// The network stack of the guest: everything between Ethernet frames and the web page.
//
// All its state is in one struct net. It makes no call outside the functions given in struct
// net_environment, allocates nothing and knows nothing of Xen, so the unit tests drive the same
// code on the host. Whatever arrives in a frame is untrusted: every length is checked.
//
// In: net_input -> arp_input | ip_input -> icmp_input, ndp_input, udp_input, tcp_input -> http.
// Out: http -> tcp -> ip_send -> neighbour (ARP, NDP) -> transmit.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "http.h"
#include "neighbour.h"
#include "tcp.h"

enum {
    ETHERNET_HEADER = 14,
    MTU = 1500,
    FRAME_MAX = ETHERNET_HEADER + MTU,
    IPV4_HEADER = 20,  // without options, as sent
    IPV6_HEADER = 40,
    HOP_LIMIT = 64,
};

enum ip_protocol {
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ICMPV6 = 58,
};

#define NANOSECONDS_PER_SECOND 1000000000ull
#define NEVER UINT64_MAX  // as a deadline

// One family's configuration, from the command line.
struct net_interface {
    bool used;
    struct ip_address address;
    unsigned prefix;  // bits, counted in the 128 of struct ip_address
    bool has_gateway;
    struct ip_address gateway;
};

struct net_environment {
    // Sends one frame of `size` (at most FRAME_MAX) bytes; may drop it. The bytes are the
    // caller's again when it returns.
    void (*transmit)(const void* frame, size_t size);
    // Somebody asked for GET /crash or GET /exit.
    void (*requested)(enum http_action action);
};

struct net {
    uint8_t mac[MAC_SIZE];
    struct net_interface ipv4, ipv6;
    struct ip_address link_local;  // IPv6, from the MAC; used where ipv6.used
    struct net_environment environment;
    struct http_server http;
    uint8_t secret[16];  // makes TCP's initial sequence numbers unguessable
    uint64_t listen_at;  // until then connections are refused, or not answered at all
    bool refuse_early;
    // As a server with a listen backlog of 0: a connection that is made before the one made last has
    // been served is reset.
    bool no_backlog;
    bool no_announce;  // of the addresses when the link comes up

    uint64_t now;          // nanoseconds, as of the last net_input or net_tick
    uint64_t announce_at;  // when to announce the addresses once more, or NEVER
    struct neighbour neighbours[NEIGHBOURS];
    struct tcp_connection connections[TCP_CONNECTIONS];
    uint8_t frame[FRAME_MAX];  // the frame being built; see ip_payload
};

// The link is up, for the first time or again. Everything above `now` in *net has been filled in,
// and the rest was zero before the first time. TCP listens from here on, or from listen_at on;
// the addresses are announced now and once more.
void net_link_up(struct net* net, uint64_t now);

// Handles one received frame; answers go out before it returns.
void net_input(struct net* net, uint64_t now, const void* frame, size_t size);

// Does what has become due, and returns the time by which it must be called again, or NEVER.
// Call it also after net_input, which can set new deadlines.
uint64_t net_tick(struct net* net, uint64_t now);
