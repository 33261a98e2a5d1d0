#include "summond/net/bind.hpp"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "socket_address.hpp"

namespace summond::net {
namespace {

// Room for bursts while a worker is away from its socket (scheduling, a page fault).
constexpr int udp_receive_buffer = 4 << 20;
constexpr int udp_send_buffer = 1 << 20;
constexpr int tcp_backlog = 1024;
// Accepted connections inherit these. Left to itself, the kernel would keep megabytes for a client
// that asks and does not read.
constexpr int tcp_send_buffer = 128 << 10;
constexpr int tcp_receive_buffer = 64 << 10;

bool set(int fd, int level, int option, int value) {
    return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// What a person can do about a failed bind.
std::string advice(int errno_value, const base::Endpoint& endpoint) {
    const std::string port = std::to_string(endpoint.port);
    switch (errno_value) {
        case EADDRINUSE:
            return " (another server has this port: `ss -lnptu 'sport = :" + port +
                   "'` shows which; stop it, or choose another address or port in `listen`)";
        case EACCES:
            return " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
        case EAFNOSUPPORT:
            return " (this kernel has no IPv6; leave IPv6 addresses out of `listen`)";
        default:
            return "";
    }
}

auto failed(const char* protocol, const base::Endpoint& endpoint, int errno_value) {
    auto error =
        base::system_error("listen " + endpoint.to_string() + ", " + protocol, errno_value);
    error.value().what += advice(errno_value, endpoint);
    return error;
}

// A socket of this type with what holds for all of them, not bound yet.
base::UniqueFd make_socket(const base::Endpoint& endpoint, int type) {
    const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
    base::UniqueFd fd(::socket(family, type | SOCK_CLOEXEC, 0));
    if (fd && family == AF_INET6)
        set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);  // 0.0.0.0 is a socket of its own
    return fd;
}

// 0 or the errno. not_local: in and out, true when the address is not this host's (yet).
int bind_socket(int fd, const base::Endpoint& endpoint, bool& not_local) {
    const auto [address, size] = to_socket_address(endpoint);
    if (not_local)
        set(fd, IPPROTO_IP, IP_FREEBIND, 1);  // holds for IPv6 sockets, too
    if (::bind(fd, &address.any, size) == 0)
        return 0;
    if (errno != EADDRNOTAVAIL || not_local)
        return errno;
    not_local = true;
    return bind_socket(fd, endpoint, not_local);
}

void tune_udp(int fd, const base::Endpoint& endpoint) {
    // FORCE needs CAP_NET_ADMIN and goes beyond net.core.rmem_max; without it, as much as allowed.
    if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, udp_receive_buffer))
        set(fd, SOL_SOCKET, SO_RCVBUF, udp_receive_buffer);
    if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, udp_send_buffer))
        set(fd, SOL_SOCKET, SO_SNDBUF, udp_send_buffer);
    // Answers ignore what ICMP says of the path's MTU, which anybody can forge in order to have
    // them fragmented; they are small enough (answer::max_udp_answer) to need none.
    const bool v4 = endpoint.address.is_v4();
    if (v4)
        set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    else
        set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
    // On a wildcard address the kernel tells which address was asked, so that the answer leaves
    // with that one.
    if (!endpoint.address.is_unspecified())
        return;
    if (v4)
        set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    else
        set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

// Appends count sockets of one SO_REUSEPORT group. endpoint: in and out, port 0 becomes the chosen
// one.
base::Result<void> bind_udp(base::Endpoint& endpoint, unsigned count, bool& not_local,
                            std::vector<base::UniqueFd>& sockets) {
    for (unsigned i = 0; i < count; ++i) {
        base::UniqueFd fd = make_socket(endpoint, SOCK_DGRAM);
        if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1))
            return failed("UDP", endpoint, errno);
        tune_udp(fd.get(), endpoint);
        if (const int r = bind_socket(fd.get(), endpoint, not_local); r != 0)
            return failed("UDP", endpoint, r);
        if (endpoint.port == 0) {
            const auto info = describe(fd.get());
            if (!info)
                return tl::make_unexpected(info.error());
            endpoint.port = info->local.port;
        }
        sockets.push_back(std::move(fd));
    }
    return {};
}

}  // namespace

unsigned udp_worker_count(const config::Config& config) {
    if (config.workers)
        return *config.workers;
    cpu_set_t cpus;
    if (::sched_getaffinity(0, sizeof cpus, &cpus) != 0)
        return 1;
    return std::clamp<unsigned>(static_cast<unsigned>(CPU_COUNT(&cpus)), 1, config::max_workers);
}

base::Result<Bound> bind_endpoint(const base::Endpoint& endpoint, unsigned udp_workers) {
    Bound bound;
    base::Endpoint actual = endpoint;
    bool not_local = false;
    {
        // Without SO_REUSEPORT: fails where anybody has the port, whatever options they set.
        const base::UniqueFd probe = make_socket(endpoint, SOCK_DGRAM);
        if (!probe)
            return failed("UDP", endpoint, errno);
        if (const int r = bind_socket(probe.get(), endpoint, not_local); r != 0)
            return failed("UDP", endpoint, r);
    }
    if (auto r = bind_udp(actual, udp_workers, not_local, bound.sockets); !r)
        return tl::make_unexpected(r.error());

    base::UniqueFd fd = make_socket(endpoint, SOCK_STREAM);
    if (!fd)
        return failed("TCP", endpoint, errno);
    set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // connections in TIME_WAIT do not matter
    set(fd.get(), SOL_SOCKET, SO_SNDBUF, tcp_send_buffer);
    set(fd.get(), SOL_SOCKET, SO_RCVBUF, tcp_receive_buffer);
    if (const int r = bind_socket(fd.get(), actual, not_local); r != 0)
        return failed("TCP", actual, r);
    if (::listen(fd.get(), tcp_backlog) != 0)
        return failed("TCP", actual, errno);
    bound.sockets.push_back(std::move(fd));

    if (not_local)
        bound.warnings.push_back("listen " + endpoint.to_string() +
                                 ": no interface has this address now; queries will be answered "
                                 "when one does");
    return bound;
}

base::Result<std::vector<base::UniqueFd>> bind_more_udp(const base::Endpoint& endpoint,
                                                        unsigned count) {
    std::vector<base::UniqueFd> sockets;
    base::Endpoint actual = endpoint;
    bool not_local = false;
    if (auto r = bind_udp(actual, count, not_local, sockets); !r)
        return tl::make_unexpected(r.error());
    return sockets;
}

base::Result<SocketInfo> describe(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
        return base::system_error("descriptor " + std::to_string(fd), errno);
    SocketAddress address{};
    size = sizeof address;
    if (::getsockname(fd, &address.any, &size) != 0)
        return base::system_error("descriptor " + std::to_string(fd), errno);
    const auto family = address.any.sa_family;
    if ((family != AF_INET && family != AF_INET6) || (type != SOCK_DGRAM && type != SOCK_STREAM))
        return base::error("descriptor " + std::to_string(fd) + " is neither UDP nor TCP");
    return SocketInfo{type == SOCK_DGRAM ? SocketInfo::Kind::udp : SocketInfo::Kind::tcp_listener,
                      to_endpoint(address)};
}

}  // namespace summond::net
