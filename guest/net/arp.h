// ARP (RFC 826) for IPv4 over Ethernet.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "address.h"

struct net;

void arp_input(struct net* net, const uint8_t* data, size_t size);
void arp_request(struct net* net, const struct ip_address* target);
void arp_announce(struct net* net);  // gratuitous: RFC 5227 section 2.3
