#include "parent_control_listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "summond/base/log.hpp"

namespace summond::roles {
namespace {

constexpr int tcp_backlog = 128;

bool set(int fd, int level, int option) {
    const int on = 1;
    return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

int bind_to(int fd, const base::Endpoint& endpoint) {
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        std::ranges::copy(bytes, reinterpret_cast<std::uint8_t*>(&address.sin_addr));
        return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::ranges::copy(bytes, address.sin6_addr.s6_addr);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

base::Result<ControlListener> listen_for_readers(const base::Endpoint& endpoint) {
    const std::string what = "control: listen " + endpoint.to_string();
    const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
    base::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return base::system_error(what, errno);
    if (family == AF_INET6)
        set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    set(fd.get(), SOL_SOCKET, SO_REUSEADDR);  // connections in TIME_WAIT do not matter
    // Connections inherit it: an event is to go out when it happens.
    set(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    int r = bind_to(fd.get(), endpoint);
    if (r != 0 && errno == EADDRNOTAVAIL) {
        spdlog::warn("{}: no interface has this address now", what);
        set(fd.get(), IPPROTO_IP, IP_FREEBIND);  // holds for IPv6 sockets, too
        r = bind_to(fd.get(), endpoint);
    }
    if (r != 0 || ::listen(fd.get(), tcp_backlog) != 0) {
        auto error = base::system_error(what, errno);
        if (errno == EADDRINUSE)
            error.value().what += " (another server has this port: `ss -lntp 'sport = :" +
                                  std::to_string(endpoint.port) +
                                  "'` shows which; stop it, or choose another port)";
        return error;
    }
    return ControlListener{endpoint, std::make_shared<const base::UniqueFd>(std::move(fd))};
}

}  // namespace summond::roles
