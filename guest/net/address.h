// IP addresses of both families in one type: an IPv4 address is kept as the IPv4-mapped IPv6
// address ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so everything above ip.c knows no families.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_address {
    uint8_t b[16];
};

enum {
    MAC_SIZE = 6,
    IPV4_PREFIX = 96,   // length of the prefix that all IPv4-mapped addresses share, in bits
    ADDRESS_TEXT = 46,  // the longest address as text, with its terminator
};

struct ip_address ipv4_address(const uint8_t bytes[4]);
struct ip_address ipv6_address(const uint8_t bytes[16]);

bool address_equal(const struct ip_address* a, const struct ip_address* b);
bool address_in_prefix(const struct ip_address* a, const struct ip_address* prefix, unsigned bits);
bool address_is_ipv4(const struct ip_address* a);
bool address_is_ipv6_link_local(const struct ip_address* a);  // fe80::/10
bool address_is_ipv6_multicast(const struct ip_address* a);   // ff00::/8

// May this address be the sender of a packet, or be assigned to an interface? Not the
// unspecified, broadcast, multicast and loopback addresses of either family.
bool address_is_unicast(const struct ip_address* a);

// Reads `length` characters of dotted IPv4, or of IPv6 in the forms of RFC 4291 section 2.2
// except those ending in dotted IPv4. False, with *a untouched, for anything else.
bool address_parse(const char* s, size_t length, struct ip_address* a);

// Writes the address as text (IPv6 as RFC 5952 has it), terminated; returns `out`.
char* address_format(const struct ip_address* a, char out[ADDRESS_TEXT]);
