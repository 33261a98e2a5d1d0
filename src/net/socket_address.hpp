// Conversions between the kernel's socket addresses and ours.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <span>

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
// The octets of an address, 4 or 16, in network order; they belong to address, whose family is
// AF_INET or AF_INET6.
inline std::span<const std::uint8_t> octets_of(const SocketAddress& address) {
    if (address.any.sa_family == AF_INET)
        return {reinterpret_cast<const std::uint8_t*>(&address.v4.sin_addr), 4};
    return {address.v6.sin6_addr.s6_addr, 16};
}
// address is of family AF_INET or AF_INET6.
base::Endpoint to_endpoint(const SocketAddress& address);

}  // namespace summond::net
