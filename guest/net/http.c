// The web server; see http.h. A request is parsed byte by byte into one short line buffer, so a
// client may be as slow, or its headers as many, as it likes.
#include "http.h"

#include <string.h>

#include "net.h"
#include "tcp.h"
#include "text.h"

enum { HTTP_ANSWER_MAX = 1536 };  // header and body together, checked by a unit test

static const char* const statuses[] = {
    [HTTP_PAGE] = "200 OK",
    [HTTP_NOT_FOUND] = "404 Not Found",
    [HTTP_NOT_ALLOWED] = "405 Method Not Allowed\r\nAllow: GET, HEAD",
    [HTTP_BAD] = "400 Bad Request",
    [HTTP_DO_CRASH] = "",
    [HTTP_DO_EXIT] = "200 OK",
};

// The date of a number of days since 1970-01-01 in the Gregorian calendar: years are counted from
// March, so that the leap day is the last, in cycles of 400 years.
static void civil_date(uint64_t days, unsigned* year, unsigned* month, unsigned* day) {
    days += 719468;  // from 0000-03-01
    uint64_t cycle = days / 146097, of_cycle = days % 146097;
    uint64_t y = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    uint64_t of_year = of_cycle - (365 * y + y / 4 - y / 100);
    uint64_t m = (5 * of_year + 2) / 153;
    *day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = (unsigned)(cycle * 400 + y + (*month <= 2));
}

static size_t page(const struct net* net, char* out, size_t size) {
    const struct http_server* s = &net->http;
    char address[2][ADDRESS_TEXT];
    unsigned year, month, day, of_day = (unsigned)(s->wallclock_started % 86400);
    civil_date(s->wallclock_started / 86400, &year, &month, &day);
    uint64_t boot = (s->ready_at - s->started_at) / 1000, up = (net->now - s->started_at) / 1000000;
    return text_format(out, size,
                       "<!DOCTYPE html>\n"
                       "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head>\n"
                       "<body>\n"
                       "<h1>%s</h1>\n"
                       "<p>This page is served by a unikernel that summond woke.</p>\n"
                       "<ul>\n"
                       "<li>name: %s</li>\n"
                       "<li>addresses: %s %s</li>\n"
                       "<li>booted: %04u-%02u-%02uT%02u:%02u:%02uZ</li>\n"
                       "<li>boot time: %lu.%03lu ms from entry to ready</li>\n"
                       "<li>uptime: %lu.%03lu s</li>\n"
                       "<li>requests: %lu</li>\n"
                       "</ul>\n"
                       "</body></html>\n",
                       s->name, s->name, s->name,
                       net->ipv4.used ? address_format(&net->ipv4.address, address[0]) : "",
                       net->ipv6.used ? address_format(&net->ipv6.address, address[1]) : "", year,
                       month, day, of_day / 3600, of_day / 60 % 60, of_day % 60, boot / 1000,
                       boot % 1000, up / 1000, up % 1000, s->requests);
}

// What is left of the text, as far as there is room. True if that was all.
static bool send_text(struct net* net, struct tcp_connection* c) {
    struct http_request* r = &c->request;
    size_t left = net->http.text_size - r->sent, room = tcp_room(c);
    size_t size = left < room ? left : room;
    tcp_write(c, net->http.text + r->sent, size);
    r->sent += size;
    return size == left;
}

// True once all of the answer has been written.
static bool answer(struct net* net, struct tcp_connection* c) {
    struct http_request* r = &c->request;
    bool is_text = r->what == HTTP_PAGE && net->http.text;
    if (!r->answering) {
        char body[HTTP_ANSWER_MAX], head[256];
        size_t body_size;
        net->http.requests++;
        if (is_text) {
            body_size = net->http.text_size;
        } else if (r->what == HTTP_PAGE) {
            body_size = page(net, body, sizeof body);
        } else if (r->what == HTTP_DO_EXIT) {
            body_size = text_format(body, sizeof body, "<!DOCTYPE html>\n<p>Powering off.</p>\n");
        } else {
            body_size = text_format(body, sizeof body,
                                    "<!DOCTYPE html>\n<p>No. Try <a href=\"/\">/</a>.</p>\n");
        }
        size_t head_size = text_format(head, sizeof head,
                                       "HTTP/1.1 %s\r\n"
                                       "Content-Type: text/%s; charset=utf-8\r\n"
                                       "Content-Length: %lu\r\n"
                                       "Cache-Control: no-store\r\n"
                                       "Connection: %s\r\n\r\n",
                                       statuses[r->what], is_text ? "plain" : "html",
                                       (unsigned long)body_size,
                                       r->keep_open ? "keep-alive" : "close");
        tcp_write(c, head, head_size);
        if (!r->head && !is_text) {
            tcp_write(c, body, body_size);
        }
        r->answering = true;
    }
    if (is_text && !r->head && !send_text(net, c)) {
        return false;
    }
    if (r->what == HTTP_DO_EXIT) {
        net->environment.requested(HTTP_EXIT);
    }
    if (!r->keep_open) {
        tcp_close(c);
    }
    return true;
}

// If `line` starts with `word`, whatever its case, returns what follows, else NULL.
static const char* after(const char* line, const char* word) {
    for (; *word; word++, line++) {
        char c = *line >= 'A' && *line <= 'Z' ? (char)(*line | 0x20) : *line;
        if (c != *word) {
            return NULL;
        }
    }
    return line;
}

static bool contains(const char* text, const char* word) {
    for (; *text; text++) {
        if (after(text, word)) {
            return true;
        }
    }
    return false;
}

static void parse_request_line(struct http_request* r) {
    char* target = memchr(r->line, ' ', text_length(r->line));
    char* version = target ? memchr(target + 1, ' ', text_length(target + 1)) : NULL;
    if (!version || r->line_size >= HTTP_LINE_MAX || !after(version + 1, "http/1.")) {
        r->what = HTTP_BAD;
        r->keep_open = false;
        return;
    }
    *target++ = '\0';
    *version++ = '\0';
    r->keep_open = !after(version, "http/1.0");
    r->head = text_equal(r->line, "HEAD");
    if (!r->head && !text_equal(r->line, "GET")) {
        r->what = HTTP_NOT_ALLOWED;
    } else if (text_equal(target, "/")) {
        r->what = HTTP_PAGE;
    } else if (text_equal(target, "/crash") && !r->head) {
        r->what = HTTP_DO_CRASH;
    } else if (text_equal(target, "/exit") && !r->head) {
        r->what = HTTP_DO_EXIT;
    } else {
        r->what = HTTP_NOT_FOUND;
    }
}

static void parse_header(struct http_request* r) {
    const char* value;
    if ((value = after(r->line, "connection:"))) {
        if (contains(value, "close")) {
            r->keep_open = false;
        }
    } else if (after(r->line, "transfer-encoding:") ||
               ((value = after(r->line, "content-length:")) && !text_equal(value, " 0"))) {
        r->keep_open = false;  // nothing here reads bodies, so what follows is not a request
    }
}

// Handles a complete line. True if it ended the request.
static bool line_ends(struct http_request* r) {
    size_t stored = r->line_size < HTTP_LINE_MAX ? r->line_size : HTTP_LINE_MAX - 1;
    if (stored && r->line[stored - 1] == '\r') {
        stored--;
    }
    r->line[stored] = '\0';
    bool done = false;
    if (r->part == HTTP_REQUEST_LINE) {
        if (stored) {  // empty lines before a request are skipped: RFC 9112 section 2.2
            parse_request_line(r);
            r->part = HTTP_HEADERS;
        }
    } else if (stored) {
        parse_header(r);
    } else {
        done = true;
    }
    r->line_size = 0;
    return done;
}

size_t http_input(struct net* net, struct tcp_connection* c, const uint8_t* data, size_t size) {
    struct http_request* r = &c->request;
    if (!r->answering && tcp_room(c) < HTTP_ANSWER_MAX) {
        return 0;
    }
    for (size_t at = 0; at < size; at++) {
        // A request's last octet is consumed once its answer has been written.
        if (!r->answering) {
            if (data[at] != '\n') {
                if (r->line_size < HTTP_LINE_MAX) {
                    r->line[r->line_size++] = (char)data[at];
                }
                continue;
            }
            if (!line_ends(r)) {
                continue;
            }
            if (r->what == HTTP_DO_CRASH) {
                net->environment.requested(HTTP_CRASH);
                *r = (struct http_request){0};
                return at + 1;
            }
        }
        if (!answer(net, c)) {
            return at;
        }
        *r = (struct http_request){0};
        return at + 1;
    }
    return size;
}
