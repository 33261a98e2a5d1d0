// ICMP echo (RFC 792, RFC 4443): answers ping.
#pragma once

#include "ip.h"

void icmpv4_input(struct net* net, const struct ip_packet* p);
void icmpv6_input(struct net* net, const struct ip_packet* p);

// Sends the ICMPv6 message of `size` bytes at ip_payload(net, destination) after filling in its
// checksum.
void icmpv6_send(struct net* net, const struct ip_address* source,
                 const struct ip_address* destination, uint8_t hop_limit, size_t size);
