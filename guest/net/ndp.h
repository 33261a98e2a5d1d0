// IPv6 Neighbor Discovery (RFC 4861), as far as a host with fixed addresses needs it.
#pragma once

#include <stdbool.h>

#include "address.h"
#include "ip.h"

struct net;

enum { NDP_SOLICITATION = 135, NDP_ADVERTISEMENT = 136 };

// A Neighbor Solicitation or Advertisement whose ICMPv6 checksum is right.
void ndp_input(struct net* net, const struct ip_packet* p);
void ndp_solicit(struct net* net, const struct ip_address* target);
void ndp_announce(struct net* net);  // unsolicited advertisement, section 7.2.6

// Is this the solicited-node multicast group of an address of ours?
bool ndp_is_our_group(const struct net* net, const struct ip_address* a);
