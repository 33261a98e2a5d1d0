// The guest's command line; see options.h.
#include "options.h"

#include <string.h>

#include "text.h"

enum { MILLISECONDS_MAX = 1000 * 1000 * 1000 };

static const char* value_of(const char* argument, const char* name) {
    size_t n = text_length(name);
    return text_length(argument) >= n && memcmp(argument, name, n) == 0 ? argument + n : NULL;
}

static bool parse_milliseconds(const char* s, uint64_t* ms) {
    return text_number(s, text_length(s), MILLISECONDS_MAX, ms);
}

static bool parse_address(const char* s, size_t size, bool ipv4, struct ip_address* a) {
    return address_parse(s, size, a) && address_is_ipv4(a) == ipv4 && address_is_unicast(a);
}

static bool parse_interface(const char* s, bool ipv4, struct net_interface* i) {
    const char* slash = memchr(s, '/', text_length(s));
    uint64_t prefix;
    if (!slash || !parse_address(s, (size_t)(slash - s), ipv4, &i->address) ||
        !text_number(slash + 1, text_length(slash + 1), ipv4 ? 32 : 128, &prefix)) {
        return false;
    }
    i->prefix = (unsigned)prefix + (ipv4 ? IPV4_PREFIX : 0);
    i->used = true;
    return true;
}

static bool parse_gateway(const char* s, bool ipv4, struct net_interface* i) {
    i->has_gateway = parse_address(s, text_length(s), ipv4, &i->gateway);
    return i->has_gateway;
}

static bool parse_name(const char* s, char* name, size_t size) {
    for (const char* p = s; *p; p++) {
        if (*p <= ' ' || *p > '~' || memchr("<>&\"", *p, 4)) {  // it goes into a web page as it is
            return false;
        }
    }
    return *s && text_length(s) < size && text_format(name, size, "%s", s);
}

static bool parse_argument(struct options* o, const char* a) {
    const char* v;
    if ((v = value_of(a, "--ipv4="))) {
        return parse_interface(v, true, &o->ipv4);
    }
    if ((v = value_of(a, "--ipv4-gateway="))) {
        return parse_gateway(v, true, &o->ipv4);
    }
    if ((v = value_of(a, "--ipv6="))) {
        return parse_interface(v, false, &o->ipv6);
    }
    if ((v = value_of(a, "--ipv6-gateway="))) {
        return parse_gateway(v, false, &o->ipv6);
    }
    if ((v = value_of(a, "--name="))) {
        return parse_name(v, o->name, sizeof o->name);
    }
    if ((v = value_of(a, "--ready-delay="))) {
        return parse_milliseconds(v, &o->ready_delay_ms);
    }
    if ((v = value_of(a, "--crash-after="))) {
        o->crash = true;
        return parse_milliseconds(v, &o->crash_after_ms);
    }
    if ((v = value_of(a, "--exit-after="))) {
        o->exit = true;
        return parse_milliseconds(v, &o->exit_after_ms);
    }
    if ((v = value_of(a, "--listen-delay="))) {
        return parse_milliseconds(v, &o->listen_delay_ms);
    }
    if (text_equal(a, "--refuse-early")) {
        return o->refuse_early = true;
    }
    if (text_equal(a, "--no-backlog")) {
        return o->no_backlog = true;
    }
    if (text_equal(a, "--no-announce")) {
        return o->no_announce = true;
    }
    if (text_equal(a, "--ignore-shutdown")) {
        return o->ignore_shutdown = true;
    }
    if (text_equal(a, "--no-ready")) {
        return o->no_ready = true;
    }
    return value_of(a, "--") == NULL;
}

const char* options_parse(struct options* o, char* command_line) {
    memset(o, 0, sizeof *o);
    text_format(o->name, sizeof o->name, "guest");
    for (char* at = command_line; *at;) {
        char* end = at;
        while (*end && *end != ' ') {
            end++;
        }
        bool last = *end == '\0';
        *end = '\0';
        if (*at && !parse_argument(o, at)) {
            return at;
        }
        at = last ? end : end + 1;
    }
    return NULL;
}
