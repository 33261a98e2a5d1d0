// TCP, sending: segments, retransmission, timers, and the server's side of a connection; see
// tcp.h.
#include <string.h>

#include "hash.h"
#include "ip.h"
#include "tcp_internal.h"

void tcp_send_segment(struct net* net, const struct tcp_segment_out* s) {
    uint8_t* out = ip_payload(net, s->destination);
    size_t header = sizeof(struct tcp_header) + (s->mss ? 4 : 0);
    struct tcp_header h = {
        .source_port = to_be16(s->source_port),
        .destination_port = to_be16(s->destination_port),
        .seq = to_be32(s->seq),
        .ack = to_be32(s->ack),
        .data_offset = (uint8_t)(header / 4 << 4),
        .flags = s->flags,
        .window = to_be16(s->window),
    };
    memcpy(out, &h, sizeof h);
    if (s->mss) {
        uint8_t option[4] = {2, 4, (uint8_t)(s->mss >> 8), (uint8_t)s->mss};
        memcpy(out + sizeof h, option, sizeof option);
    }
    if (s->size) {
        memcpy(out + header, s->data, s->size);
    }
    size_t size = header + s->size;
    h.checksum = to_be16(ip_payload_checksum(s->source, s->destination, PROTOCOL_TCP, out, size));
    memcpy(out, &h, sizeof h);
    ip_send(net, s->source, s->destination, PROTOCOL_TCP, HOP_LIMIT, size);
}

// Sends a segment of the connection with `size` bytes of the send buffer from sequence number
// `seq` on.
static void send(struct net* net, struct tcp_connection* c, uint32_t seq, uint8_t flags,
                 size_t size) {
    struct tcp_segment_out s = {
        .source = &c->local,
        .destination = &c->remote,
        .source_port = TCP_PORT,
        .destination_port = c->remote_port,
        .seq = seq,
        .ack = c->rcv_nxt,
        .flags = flags | TCP_ACK,
        .window = (uint16_t)tcp_window(c),
        .mss = flags & TCP_SYN ? tcp_local_mss(&c->remote) : 0,
        .data = size ? c->send + (seq - c->snd_una) : NULL,
        .size = size,
    };
    tcp_send_segment(net, &s);
}

void tcp_send_ack(struct net* net, struct tcp_connection* c) {
    send(net, c, c->snd_nxt, 0, 0);
}

void tcp_send_reset(struct net* net, struct tcp_connection* c) {
    send(net, c, c->snd_nxt, TCP_RST, 0);
}

// Have we closed without an acknowledgement of our FIN so far? It follows the data.
static bool fin_outstanding(const struct tcp_connection* c) {
    return c->state == TCP_FIN_WAIT_1 || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK;
}

// Sends the bytes from `seq` on that fit into `window` counted from snd_una, and our FIN if it is
// next. Returns the sequence number after them.
static uint32_t send_from(struct net* net, struct tcp_connection* c, uint32_t seq, size_t window) {
    size_t sendable = c->send_size < window ? c->send_size : window;
    for (;;) {
        size_t at = seq - c->snd_una;
        size_t size = at < sendable ? sendable - at : 0;
        if (size > c->mss) {
            size = c->mss;
        }
        bool last = at + size == c->send_size;
        bool fin = last && fin_outstanding(c);
        if (size == 0 && !fin) {
            return seq;
        }
        send(net, c, seq, (last ? TCP_PSH : 0) | (fin ? TCP_FIN : 0), size);
        seq += (uint32_t)size + fin;
        if (last) {
            return seq;
        }
    }
}

bool tcp_output(struct net* net, struct tcp_connection* c) {
    uint32_t end = send_from(net, c, c->snd_nxt, c->snd_wnd);
    bool sent = end != c->snd_nxt;
    c->snd_nxt = end;
    if (c->timer_at == NEVER) {
        tcp_start_timer(net, c);
    }
    return sent;
}

void tcp_retransmit(struct net* net, struct tcp_connection* c) {
    if (c->state == TCP_SYN_RECEIVED) {
        send(net, c, c->snd_una, TCP_SYN, 0);
        return;
    }
    uint32_t end = send_from(net, c, c->snd_una, c->snd_wnd ? c->snd_wnd : 1);
    if ((int32_t)(end - c->snd_nxt) > 0) {
        c->snd_nxt = end;
    }
}

void tcp_start_timer(struct net* net, struct tcp_connection* c) {
    bool outstanding = c->send_size || fin_outstanding(c) || c->state == TCP_SYN_RECEIVED;
    uint64_t seconds = 1ull << c->retries;  // from 1 s, doubling: RFC 6298 sections 2 and 5
    seconds = seconds > 60 ? 60 : seconds;
    c->timer_at = outstanding ? net->now + seconds * NANOSECONDS_PER_SECOND : NEVER;
}

static void timer_expired(struct net* net, struct tcp_connection* c) {
    if (c->state == TCP_TIME_WAIT || c->state == TCP_FIN_WAIT_2) {
        c->state = TCP_FREE;
        return;
    }
    unsigned most = c->state == TCP_SYN_RECEIVED ? TCP_SYN_RETRIES : TCP_RETRIES;
    if (c->retries == most) {
        tcp_send_reset(net, c);
        c->state = TCP_FREE;
        return;
    }
    c->retries++;
    tcp_retransmit(net, c);
    tcp_start_timer(net, c);
}

uint64_t tcp_tick(struct net* net) {
    uint64_t next = NEVER;
    for (struct tcp_connection* c = net->connections; c < net->connections + TCP_CONNECTIONS; c++) {
        if (c->state != TCP_FREE && c->timer_at <= net->now) {
            timer_expired(net, c);
        }
        if (c->state != TCP_FREE && c->timer_at < next) {
            next = c->timer_at;
        }
    }
    return next;
}

uint32_t tcp_initial_sequence(const struct net* net, const struct tcp_connection* c) {
    uint8_t sockets[34];
    memcpy(sockets, c->local.b, 16);
    memcpy(sockets + 16, c->remote.b, 16);
    memcpy(sockets + 32, &c->remote_port, 2);
    return (uint32_t)(siphash(net->secret, sockets, sizeof sockets) + net->now / 4000);
}

size_t tcp_room(const struct tcp_connection* c) {
    return c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT
               ? TCP_SEND_BUFFER - c->send_size
               : 0;
}

bool tcp_write(struct tcp_connection* c, const void* data, size_t size) {
    if (size > tcp_room(c)) {
        return false;
    }
    memcpy(c->send + c->send_size, data, size);
    c->send_size += size;
    return true;
}

void tcp_close(struct tcp_connection* c) {
    c->received_size = 0;  // nobody reads any more
    if (c->state == TCP_ESTABLISHED) {
        c->state = TCP_FIN_WAIT_1;
    } else if (c->state == TCP_CLOSE_WAIT) {
        c->state = TCP_LAST_ACK;
    }
}
