// Conversions between the kernel's socket addresses and ours.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "summond/base/ip_address.hpp"

namespace summond::net {

// An IPv4 or IPv6 socket address, as the kernel wants it.
union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

struct SizedSocketAddress {
    SocketAddress address;
    socklen_t size;
};

SizedSocketAddress to_socket_address(const base::Endpoint& endpoint);
// address is of family AF_INET or AF_INET6.
base::Endpoint to_endpoint(const SocketAddress& address);

}  // namespace summond::net
