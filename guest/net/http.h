// The web server (HTTP/1.1, RFC 9110 and RFC 9112): one page about this guest, or the text that it
// was given, and two paths that end it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net;
struct tcp_connection;

enum { HTTP_LINE_MAX = 160 };

enum http_action {
    HTTP_CRASH,  // GET /crash: happens at once, without an answer
    HTTP_EXIT,   // GET /exit: there is an answer
};

// What the page tells.
struct http_server {
    char name[64];
    uint64_t started_at;         // entry into the guest, on the clock of struct net, in nanoseconds
    uint64_t ready_at;           // when the network was up
    uint64_t wallclock_started;  // the entry in seconds since 1970, UTC
    uint64_t requests;           // answered so far
    // UTF-8, in place of the page; NULL: there is none.
    const char* text;
    size_t text_size;
};

// A request as far as it has arrived. All zeroes is a fresh one.
struct http_request {
    char line[HTTP_LINE_MAX];  // the line being received; what exceeds it is cut off
    size_t line_size;          // with what was cut off
    enum { HTTP_REQUEST_LINE, HTTP_HEADERS } part;
    enum {
        HTTP_PAGE,
        HTTP_NOT_FOUND,
        HTTP_NOT_ALLOWED,
        HTTP_BAD,
        HTTP_DO_CRASH,
        HTTP_DO_EXIT
    } what;
    bool head;       // HEAD: no body
    bool keep_open;  // the connection may carry another request after this one
    bool answering;  // its answer has begun
    size_t sent;     // of the text
};

// Consumes received bytes and writes answers with tcp_write and tcp_close. Returns how many bytes
// it consumed: 0 (of at least 1) if the answer before must be acknowledged first.
size_t http_input(struct net* net, struct tcp_connection* c, const uint8_t* data, size_t size);
