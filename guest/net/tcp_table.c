// TCP's table of connections; see tcp_internal.h.
#include "tcp_internal.h"

struct tcp_connection* tcp_find(struct net* net, const struct ip_address* local,
                                const struct ip_address* remote, uint16_t remote_port) {
    for (struct tcp_connection* c = net->connections; c < net->connections + TCP_CONNECTIONS; c++) {
        if (c->state != TCP_FREE && c->remote_port == remote_port &&
            address_equal(&c->remote, remote) && address_equal(&c->local, local)) {
            return c;
        }
    }
    return NULL;
}

// How readily a connection's place is given to a new one when the table is full; 0 is never.
static unsigned eviction_class(const struct net* net, const struct tcp_connection* c) {
    if (c->state == TCP_TIME_WAIT) {
        return 3;
    }
    if (c->state == TCP_SYN_RECEIVED) {
        return 2;
    }
    return net->now - c->progress_at >= TCP_IDLE_EVICTABLE ? 1 : 0;
}

struct tcp_connection* tcp_allocate(struct net* net) {
    struct tcp_connection* victim = NULL;
    unsigned victim_class = 0;
    for (struct tcp_connection* c = net->connections; c < net->connections + TCP_CONNECTIONS; c++) {
        if (c->state == TCP_FREE) {
            return c;
        }
        unsigned class = eviction_class(net, c);
        if (class > victim_class ||
            (class && class == victim_class && c->progress_at < victim->progress_at)) {
            victim = c;
            victim_class = class;
        }
    }
    if (victim_class == 1) {
        tcp_send_reset(net, victim);
    }
    return victim;
}
