// UDP (RFC 768) with its only service, echo (RFC 862) on port 7.
#pragma once

#include "ip.h"

void udp_input(struct net* net, const struct ip_packet* p);
