// IP addresses of both families; see address.h.
#include "address.h"

#include <string.h>

#include "text.h"

static const struct ip_address ipv4_mapped = {{[10] = 0xff, [11] = 0xff}};

struct ip_address ipv4_address(const uint8_t bytes[4]) {
    struct ip_address a = ipv4_mapped;
    memcpy(a.b + 12, bytes, 4);
    return a;
}

struct ip_address ipv6_address(const uint8_t bytes[16]) {
    struct ip_address a;
    memcpy(a.b, bytes, 16);
    return a;
}

bool address_equal(const struct ip_address* a, const struct ip_address* b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool address_in_prefix(const struct ip_address* a, const struct ip_address* prefix, unsigned bits) {
    unsigned whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);
    return memcmp(a->b, prefix->b, whole) == 0 &&
           (mask == 0 || ((a->b[whole] ^ prefix->b[whole]) & mask) == 0);
}

bool address_is_ipv4(const struct ip_address* a) {
    return address_in_prefix(a, &ipv4_mapped, IPV4_PREFIX);
}

bool address_is_ipv6_link_local(const struct ip_address* a) {
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool address_is_ipv6_multicast(const struct ip_address* a) {
    return a->b[0] == 0xff;
}

bool address_is_unicast(const struct ip_address* a) {
    if (address_is_ipv4(a)) {  // 0/8, 127/8; 224/4 and 240/4 with the broadcast address
        return a->b[12] != 0 && a->b[12] != 127 && a->b[12] < 224;
    }
    static const struct ip_address zero;
    return !address_is_ipv6_multicast(a) &&
           !address_in_prefix(a, &zero, IPV4_PREFIX);  // ::, ::1, the deprecated ::a.b.c.d
}

static bool parse_ipv4(const char* s, size_t length, struct ip_address* a) {
    uint8_t bytes[4];
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        size_t end = at;
        while (end < length && s[end] != '.') {
            end++;
        }
        uint64_t value;
        if (!text_number(s + at, end - at, 255, &value) || (end == length) != (i == 3)) {
            return false;
        }
        bytes[i] = (uint8_t)value;
        at = end + 1;
    }
    *a = ipv4_address(bytes);
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_ipv6(const char* s, size_t length, struct ip_address* a) {
    struct ip_address parsed = {{0}};
    unsigned used = 0;  // bytes of `parsed` filled so far
    int gap = -1;       // where "::" stands in them
    size_t at = 0;
    if (length >= 2 && s[0] == ':' && s[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < length) {
        unsigned group = 0, digits = 0;
        for (; at < length && hex_digit(s[at]) >= 0; at++, digits++) {
            group = group << 4 | (unsigned)hex_digit(s[at]);
        }
        if (digits == 0 || digits > 4 || used == 16) {
            return false;
        }
        parsed.b[used++] = (uint8_t)(group >> 8);
        parsed.b[used++] = (uint8_t)group;
        if (at == length) {
            break;
        }
        if (s[at++] != ':' || at == length) {
            return false;
        }
        if (s[at] == ':') {
            if (gap >= 0) {
                return false;
            }
            gap = (int)used;
            at++;
        }
    }
    if ((gap < 0) != (used == 16)) {
        return false;
    }
    if (gap >= 0) {
        size_t tail = used - (unsigned)gap;
        memmove(parsed.b + 16 - tail, parsed.b + gap, tail);
        memset(parsed.b + gap, 0, 16 - used);
    }
    *a = parsed;
    return true;
}

bool address_parse(const char* s, size_t length, struct ip_address* a) {
    return memchr(s, ':', length) ? parse_ipv6(s, length, a) : parse_ipv4(s, length, a);
}

char* address_format(const struct ip_address* a, char out[ADDRESS_TEXT]) {
    if (address_is_ipv4(a)) {
        text_format(out, ADDRESS_TEXT, "%u.%u.%u.%u", a->b[12], a->b[13], a->b[14], a->b[15]);
        return out;
    }
    // RFC 5952 section 4.2: the first longest run of two or more zero groups becomes "::".
    unsigned group[8], gap = 8, gap_length = 1;
    for (unsigned i = 0; i < 8; i++) {
        group[i] = (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;
        while (i + n < 8 && group[i + n] == 0) {
            n++;
        }
        if (n > gap_length) {
            gap = i;
            gap_length = n;
        }
    }
    size_t used = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (i == gap) {
            used += text_format(out + used, ADDRESS_TEXT - used, "::");
            i += gap_length - 1;
        } else {
            bool first = i == 0 || i == gap + gap_length;
            used += text_format(out + used, ADDRESS_TEXT - used, first ? "%x" : ":%x", group[i]);
        }
    }
    return out;
}
