// TCP (RFC 9293) for a server: passive opens only, one listening port.
//
// Kept small by what this server does not need: segments that arrive out of order are dropped and
// asked for again, and an answer is smaller than the initial congestion window (RFC 6928), so
// there is no congestion window to keep. Options other than the peer's MSS are ignored.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "http.h"

struct net;
struct ip_packet;

enum {
    TCP_PORT = 80,
    TCP_CONNECTIONS = 128,
    TCP_RECEIVE_BUFFER = 2048,  // and so the largest window offered
    TCP_SEND_BUFFER = 2048,
};

enum tcp_state {
    TCP_FREE,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_CLOSE_WAIT,  // the peer has sent FIN
    TCP_LAST_ACK,    // and we have closed as well
    TCP_FIN_WAIT_1,  // we have closed; our FIN, after what is left to send, is not acknowledged
    TCP_FIN_WAIT_2,  // it is; the peer has not closed
    TCP_CLOSING,     // both have closed, our FIN is not acknowledged
    TCP_TIME_WAIT,
};

// Names in the style of RFC 9293 section 3.3.1: snd_una is the oldest unacknowledged number, and so
// on.
struct tcp_connection {
    enum tcp_state state;
    struct ip_address local, remote;
    uint16_t remote_port;
    uint16_t mss;  // the most payload that one segment to the peer may have

    uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2;
    uint32_t rcv_nxt;

    uint64_t timer_at;     // when to retransmit, probe or give up, by state; or NEVER
    unsigned retries;      // retransmissions since the last acknowledgement
    uint64_t progress_at;  // when the peer last sent or acknowledged something new

    size_t received_size;  // bytes acknowledged but not yet consumed by the server
    size_t send_size;      // bytes from snd_una on that are not yet acknowledged
    uint8_t received[TCP_RECEIVE_BUFFER];
    uint8_t send[TCP_SEND_BUFFER];

    struct http_request request;
    bool served;  // the server has taken something
};

void tcp_input(struct net* net, const struct ip_packet* p);

// Does what is due by net->now. Returns the next deadline, or NEVER.
uint64_t tcp_tick(struct net* net);

// For the server, on a connection that it has been handed: how many bytes can be written, write
// them (all or, if there is no room, none), and close once they are sent.
size_t tcp_room(const struct tcp_connection* c);
bool tcp_write(struct tcp_connection* c, const void* data, size_t size);
void tcp_close(struct tcp_connection* c);
