#include "socket_address.hpp"

#include <array>
#include <cstring>

namespace summond::net {

SizedSocketAddress to_socket_address(const base::Endpoint& endpoint) {
    SizedSocketAddress result{};
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
        result.address.v4.sin_family = AF_INET;
        result.address.v4.sin_port = htons(endpoint.port);
        std::memcpy(&result.address.v4.sin_addr, bytes.data(), bytes.size());
        result.size = sizeof result.address.v4;
    } else {
        result.address.v6.sin6_family = AF_INET6;
        result.address.v6.sin6_port = htons(endpoint.port);
        std::memcpy(&result.address.v6.sin6_addr, bytes.data(), bytes.size());
        result.size = sizeof result.address.v6;
    }
    return result;
}

base::Endpoint to_endpoint(const SocketAddress& address) {
    if (address.any.sa_family == AF_INET) {
        std::array<std::uint8_t, 4> bytes;
        std::memcpy(bytes.data(), &address.v4.sin_addr, bytes.size());
        return {base::IpAddress::v4(bytes), ntohs(address.v4.sin_port)};
    }
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &address.v6.sin6_addr, bytes.size());
    return {base::IpAddress::v6(bytes), ntohs(address.v6.sin6_port)};
}

}  // namespace summond::net
