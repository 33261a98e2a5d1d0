// TCP, receiving: what a segment does to its connection; see tcp.h. The order of the checks is
// that of RFC 9293 section 3.10.7, with the answers to forged segments of RFC 5961.
#include "tcp.h"

#include <string.h>

#include "bytes.h"
#include "ip.h"
#include "net.h"
#include "tcp_internal.h"

// Sequence numbers wrap: a is before b if the way from a to b is shorter than back.
static bool before(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) < 0;
}

// What is looked at of a received segment.
struct segment {
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    uint16_t mss;  // as offered, 0 if it was not
    const uint8_t* data;
    size_t size;
};

// How many sequence numbers it occupies.
static uint32_t sequence_size(const struct segment* s) {
    return (uint32_t)s->size + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

static uint16_t parse_mss(const uint8_t* options, size_t size) {
    for (size_t at = 0; at < size && options[at] != 0;) {  // 0 ends the list
        if (options[at] == 1) {                            // padding
            at++;
            continue;
        }
        size_t left = size - at;
        if (left < 2 || options[at + 1] < 2 || options[at + 1] > left) {
            break;
        }
        if (options[at] == 2 && options[at + 1] == 4) {
            return (uint16_t)(options[at + 2] << 8 | options[at + 3]);
        }
        at += options[at + 1];
    }
    return 0;
}

static void open_passively(struct net* net, const struct ip_packet* p, uint16_t port,
                           const struct segment* s) {
    struct tcp_connection* c = tcp_allocate(net);
    if (!c) {
        return;  // the peer will try again
    }
    // RFC 9293 section 3.7.1: without the option, 536 in IPv4 and 1220 in IPv6. The floor keeps
    // a tiny MSS from making us send one answer in a thousand packets.
    uint16_t mss = s->mss ? s->mss : address_is_ipv4(&p->source) ? 536 : 1220;
    uint16_t most = tcp_local_mss(&p->source);
    memset(c, 0, sizeof *c);
    c->state = TCP_SYN_RECEIVED;
    c->local = p->destination;
    c->remote = p->source;
    c->remote_port = port;
    c->mss = mss > most ? most : mss < TCP_MSS_MIN ? TCP_MSS_MIN : mss;
    c->rcv_nxt = s->seq + 1;
    c->snd_una = tcp_initial_sequence(net, c);
    c->snd_nxt = c->snd_una + 1;
    c->snd_wnd = s->window;
    c->snd_wl1 = s->seq;
    c->snd_wl2 = c->snd_una;
    c->progress_at = net->now;
    tcp_start_timer(net, c);
    tcp_retransmit(net, c);
}

// RFC 9293 section 3.10.7.4, first check: is any part of the segment inside our window?
static bool is_acceptable(const struct tcp_connection* c, const struct segment* s) {
    uint32_t size = sequence_size(s), window = (uint32_t)tcp_window(c), end = s->seq + size;
    if (size == 0) {
        return s->seq == c->rcv_nxt || s->seq - c->rcv_nxt < window;
    }
    return window > 0 && before(s->seq, c->rcv_nxt + window) && before(c->rcv_nxt, end);
}

// Answers a segment that belongs to nothing here (RFC 9293 section 3.10.7.1).
static void refuse(struct net* net, const struct ip_address* local, const struct ip_address* remote,
                   uint16_t local_port, uint16_t remote_port, const struct segment* s) {
    struct tcp_segment_out reset = {
        .source = local,
        .destination = remote,
        .source_port = local_port,
        .destination_port = remote_port,
        .flags = TCP_RST,
    };
    if (s->flags & TCP_ACK) {
        reset.seq = s->ack;
    } else {
        reset.flags |= TCP_ACK;
        reset.ack = s->seq + sequence_size(s);
    }
    tcp_send_segment(net, &reset);
}

static void fin_acknowledged(struct net* net, struct tcp_connection* c) {
    switch (c->state) {
        case TCP_FIN_WAIT_1:
            c->state = TCP_FIN_WAIT_2;
            c->timer_at = net->now + TCP_FIN_WAIT_TIME;
            break;
        case TCP_CLOSING:
            c->state = TCP_TIME_WAIT;
            c->timer_at = net->now + TCP_TIME_WAIT_TIME;
            break;
        default:  // TCP_LAST_ACK
            c->state = TCP_FREE;
    }
}

static void fin_received(struct net* net, struct tcp_connection* c) {
    c->rcv_nxt++;
    switch (c->state) {
        case TCP_FIN_WAIT_1:
            c->state = TCP_CLOSING;
            break;
        case TCP_FIN_WAIT_2:
            c->state = TCP_TIME_WAIT;
            c->timer_at = net->now + TCP_TIME_WAIT_TIME;
            break;
        default:  // TCP_ESTABLISHED
            c->state = TCP_CLOSE_WAIT;
    }
}

// Whether another connection has not been served yet.
static bool another_waits(const struct net* net, const struct tcp_connection* c) {
    for (size_t i = 0; i < sizeof net->connections / sizeof *net->connections; i++) {
        const struct tcp_connection* other = &net->connections[i];
        if (other != c && other->state == TCP_ESTABLISHED && !other->served) {
            return true;
        }
    }
    return false;
}

// Takes note of an acknowledgement. False if the segment is to be looked at no further.
static bool acknowledge(struct net* net, struct tcp_connection* c, const struct segment* s) {
    if (c->state == TCP_SYN_RECEIVED) {
        if (s->ack != c->snd_nxt) {
            refuse(net, &c->local, &c->remote, TCP_PORT, c->remote_port, s);
            return false;
        }
        if (net->no_backlog && another_waits(net, c)) {
            tcp_send_reset(net, c);
            c->state = TCP_FREE;
            return false;
        }
        c->state = TCP_ESTABLISHED;
        c->snd_una = s->ack;
        c->snd_wnd = s->window;
        c->snd_wl1 = s->seq;
        c->snd_wl2 = s->ack;
        c->retries = 0;
        c->timer_at = NEVER;
        return true;
    }
    if (before(c->snd_nxt, s->ack) || before(s->ack, c->snd_una - TCP_SEND_BUFFER)) {
        tcp_send_ack(net, c);  // for what we have not sent, or RFC 5961 section 5
        return false;
    }
    if (before(c->snd_una, s->ack)) {
        uint32_t acked = s->ack - c->snd_una;
        size_t data = acked < c->send_size ? acked : c->send_size;
        bool fin_acked = acked > data;  // the only number beyond the data is that of our FIN
        memmove(c->send, c->send + data, c->send_size - data);
        c->send_size -= data;
        c->snd_una = s->ack;
        c->retries = 0;
        c->progress_at = net->now;
        tcp_start_timer(net, c);
        if (fin_acked) {
            fin_acknowledged(net, c);
        }
        if (c->state == TCP_FREE) {
            return false;
        }
    }
    if (before(c->snd_wl1, s->seq) || (c->snd_wl1 == s->seq && !before(s->ack, c->snd_wl2))) {
        bool opened = c->snd_wnd == 0 && s->window > 0;
        c->snd_wnd = s->window;
        c->snd_wl1 = s->seq;
        c->snd_wl2 = s->ack;
        if (opened && c->snd_nxt != c->snd_una) {  // the peer had no room for the probe
            c->retries = 0;
            tcp_retransmit(net, c);
            tcp_start_timer(net, c);
        }
    }
    if (c->snd_wnd == 0 && c->retries == TCP_RETRIES) {
        c->retries--;  // a peer that answers probes is alive, however long its window stays shut
    }
    return true;
}

// Takes the segment's bytes as far as they are next in order and fit. Returns true if its FIN, if
// it has one, is next.
static bool accept_data(struct net* net, struct tcp_connection* c, const struct segment* s) {
    if (before(c->rcv_nxt, s->seq)) {
        return false;  // bytes before these are missing
    }
    uint32_t known = c->rcv_nxt - s->seq;  // bytes that we have already
    if (known >= s->size) {
        return known == s->size;
    }
    const uint8_t* data = s->data + known;
    size_t size = s->size - known, room = tcp_window(c);
    size_t taken = size < room ? size : room;
    if (c->state == TCP_ESTABLISHED) {  // after our FIN nobody reads
        memcpy(c->received + c->received_size, data, taken);
        c->received_size += taken;
    }
    c->rcv_nxt += (uint32_t)taken;
    c->progress_at = net->now;
    return taken == size;
}

// Lets the server consume what has arrived, and writes its answers into the send buffer.
static void serve(struct net* net, struct tcp_connection* c) {
    while (c->received_size && (c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT)) {
        size_t used = http_input(net, c, c->received, c->received_size);
        if (used == 0) {
            return;  // no room for an answer until the peer acknowledges the ones before
        }
        c->served = true;
        if (c->received_size == 0) {
            return;  // the server has closed
        }
        c->received_size -= used;
        memmove(c->received, c->received + used, c->received_size);
    }
    if (c->state == TCP_CLOSE_WAIT) {
        tcp_close(c);
    }
}

static void segment_arrives(struct net* net, struct tcp_connection* c, const struct segment* s) {
    if (!is_acceptable(c, s)) {
        if (!(s->flags & TCP_RST)) {
            // The same SYN again: the peer has not seen our SYN,ACK.
            bool syn_again =
                c->state == TCP_SYN_RECEIVED && (s->flags & TCP_SYN) && s->seq + 1 == c->rcv_nxt;
            (syn_again ? tcp_retransmit : tcp_send_ack)(net, c);
        }
        return;
    }
    if (s->flags & TCP_RST) {
        if (s->seq == c->rcv_nxt) {
            c->state = TCP_FREE;
        } else {
            tcp_send_ack(net, c);  // RFC 5961 section 3
        }
        return;
    }
    if (s->flags & TCP_SYN) {
        tcp_send_ack(net, c);  // RFC 5961 section 4
        return;
    }
    if (!(s->flags & TCP_ACK) || !acknowledge(net, c, s)) {
        return;
    }
    bool peer_open =
        c->state == TCP_ESTABLISHED || c->state == TCP_FIN_WAIT_1 || c->state == TCP_FIN_WAIT_2;
    if (peer_open && accept_data(net, c, s) && (s->flags & TCP_FIN)) {
        fin_received(net, c);
    }
    serve(net, c);
    // Whatever occupies sequence numbers is answered at once, in order or not.
    if (!tcp_output(net, c) && (s->size || (s->flags & TCP_FIN))) {
        tcp_send_ack(net, c);
    }
}

void tcp_input(struct net* net, const struct ip_packet* p) {
    const struct tcp_header* h = (const void*)p->data;
    if (p->size < sizeof *h) {
        return;
    }
    size_t header = (size_t)(h->data_offset >> 4) * 4;
    if (header < sizeof *h || header > p->size ||
        ip_payload_checksum(&p->source, &p->destination, PROTOCOL_TCP, p->data, p->size) != 0) {
        return;
    }
    struct segment s = {
        .seq = from_be32(h->seq),
        .ack = from_be32(h->ack),
        .window = from_be16(h->window),
        .flags = h->flags,
        .mss = parse_mss(p->data + sizeof *h, header - sizeof *h),
        .data = p->data + header,
        .size = p->size - header,
    };
    uint16_t port = from_be16(h->source_port), to = from_be16(h->destination_port);
    struct tcp_connection* c =
        to == TCP_PORT ? tcp_find(net, &p->destination, &p->source, port) : NULL;
    bool syn_only = (s.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
    if (c && c->state == TCP_TIME_WAIT && syn_only && before(c->rcv_nxt, s.seq)) {
        c->state = TCP_FREE;  // RFC 9293 section 3.6.1: a new connection may follow at once
        c = NULL;
    }
    if (c) {
        segment_arrives(net, c, &s);
    } else if (to == TCP_PORT && syn_only && net->now < net->listen_at && !net->refuse_early) {
        return;
    } else if (to == TCP_PORT && syn_only && net->now >= net->listen_at) {
        open_passively(net, p, port, &s);
    } else if (!(s.flags & TCP_RST)) {
        refuse(net, &p->destination, &p->source, to, port, &s);
    }
}
