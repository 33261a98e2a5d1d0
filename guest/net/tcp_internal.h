// What the parts of TCP share: tcp.c (receiving), tcp_send.c (sending, timers), tcp_table.c.
#pragma once

#include "bytes.h"
#include "net.h"
#include "tcp.h"

enum {
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_PSH = 8,
    TCP_ACK = 16,

    TCP_MSS_MIN = 64,
    // Retransmissions of one thing, after 1, 2, 4, ... at most 60 s, before giving up: two minutes
    // for data (RFC 9293 section 3.8.3 wants 100 s or more), half a minute for a SYN,ACK.
    TCP_RETRIES = 7,
    TCP_SYN_RETRIES = 4,
};

#define TCP_FIN_WAIT_TIME (60 * NANOSECONDS_PER_SECOND)
#define TCP_TIME_WAIT_TIME (60 * NANOSECONDS_PER_SECOND)
// A connection may idle for ever, unless the table is full: then one that has done nothing for
// this long is reset in favour of a new one.
#define TCP_IDLE_EVICTABLE (300 * NANOSECONDS_PER_SECOND)

struct tcp_header {
    be16 source_port, destination_port;
    be32 seq, ack;
    uint8_t data_offset, flags;
    be16 window, checksum, urgent;
};

_Static_assert(sizeof(struct tcp_header) == 20, "no padding");

struct tcp_segment_out {
    const struct ip_address *source, *destination;
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;
    uint16_t mss;  // to offer, or 0
    const void* data;
    size_t size;
};

// The connection of these sockets, or NULL.
struct tcp_connection* tcp_find(struct net* net, const struct ip_address* local,
                                const struct ip_address* remote, uint16_t remote_port);

// A connection to use for a new peer: a free one, or one taken from a peer that has given least
// reason to keep it. NULL if all are in use.
struct tcp_connection* tcp_allocate(struct net* net);

void tcp_send_segment(struct net* net, const struct tcp_segment_out* s);
void tcp_send_ack(struct net* net, struct tcp_connection* c);
void tcp_send_reset(struct net* net, struct tcp_connection* c);

// Sends what is new and fits the peer's window. False if that was nothing.
bool tcp_output(struct net* net, struct tcp_connection* c);

// Sends again what is not acknowledged; at least one byte, even into a closed window.
void tcp_retransmit(struct net* net, struct tcp_connection* c);

// Sets the timer for what is not acknowledged, or stops it if that is nothing.
void tcp_start_timer(struct net* net, struct tcp_connection* c);

static inline size_t tcp_window(const struct tcp_connection* c) {
    return TCP_RECEIVE_BUFFER - c->received_size;
}

// The most payload that a segment between us and `remote` may have.
static inline uint16_t tcp_local_mss(const struct ip_address* remote) {
    return address_is_ipv4(remote) ? MTU - IPV4_HEADER - 20 : MTU - IPV6_HEADER - 20;
}

// RFC 6528: unguessable, and growing from one connection of a pair of sockets to the next.
uint32_t tcp_initial_sequence(const struct net* net, const struct tcp_connection* c);
