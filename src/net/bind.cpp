#include "summond/net/bind.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

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

base::Result<base::UniqueFd> make_udp(const base::Endpoint& endpoint) {
    base::UniqueFd fd = make_socket(endpoint, SOCK_DGRAM);
    if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1))
        return failed("UDP", endpoint, errno);
    tune_udp(fd.get(), endpoint);
    return fd;
}

base::Result<base::UniqueFd> make_tcp(const base::Endpoint& endpoint) {
    base::UniqueFd fd = make_socket(endpoint, SOCK_STREAM);
    // For listeners of ours to one and to all addresses beside each other.
    if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1))
        return failed("TCP", endpoint, errno);
    set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // connections in TIME_WAIT do not matter
    set(fd.get(), SOL_SOCKET, SO_SNDBUF, tcp_send_buffer);
    set(fd.get(), SOL_SOCKET, SO_RCVBUF, tcp_receive_buffer);
    return fd;
}

// Whether a socket that is not of these has the port for this address: as the kernel lists them
// (proc(5), /proc/net). Sockets of TCP that do not listen do not count.
bool others_have(const base::Endpoint& endpoint, int type, const OwnSockets& own) {
    const bool tcp = type == SOCK_STREAM;
    std::ifstream table(std::string("/proc/net/") + (tcp ? "tcp" : "udp") +
                        (endpoint.address.is_v4() ? "" : "6"));
    std::string line;
    std::getline(table, line);
    if (!table)
        return true;  // the kernel has refused the port, and nobody says why
    std::set<ino_t> inodes;
    for (const int fd : own) {
        struct stat status {};
        if (::fstat(fd, &status) == 0)
            inodes.insert(status.st_ino);
    }
    // Each 32 bits of an address as a number of this machine.
    std::string address;
    const auto bytes = endpoint.address.bytes();
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        std::uint32_t word;
        std::memcpy(&word, &bytes[i], sizeof word);
        address += fmt::format("{:08X}", word);
    }
    const std::string all(address.size(), '0');
    const std::string port = fmt::format("{:04X}", endpoint.port);
    while (std::getline(table, line)) {
        std::istringstream fields(line);
        std::string number, local, remote, state, queues, timer, retries, uid, timeout;
        ino_t inode = 0;
        fields >> number >> local >> remote >> state >> queues >> timer >> retries >> uid >>
            timeout >> inode;
        const std::size_t colon = local.find(':');
        if (!fields || colon == std::string::npos || local.substr(colon + 1) != port ||
            (tcp && state != "0A") || inodes.contains(inode))  // TCP_LISTEN
            continue;
        local.resize(colon);
        if (local == address || local == all || address == all)
            return true;
    }
    return false;
}

// Without SO_REUSEPORT: fails where anybody has the port, whatever options they set.
base::Result<void> look_for_others(const base::Endpoint& endpoint, bool& not_local,
                                   const OwnSockets& own) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const base::UniqueFd probe = make_socket(endpoint, type);
        const char* const protocol = type == SOCK_DGRAM ? "UDP" : "TCP";
        if (!probe)
            return failed(protocol, endpoint, errno);
        if (type == SOCK_STREAM)
            set(probe.get(), SOL_SOCKET, SO_REUSEADDR, 1);
        const int r = bind_socket(probe.get(), endpoint, not_local);
        const bool only_we = r == EADDRINUSE && !own.empty() && !others_have(endpoint, type, own);
        if (r != 0 && !only_we)
            return failed(protocol, endpoint, r);
    }
    return {};
}

base::Result<std::vector<base::UniqueFd>> make_sockets(const base::Endpoint& endpoint,
                                                       unsigned udp_workers) {
    auto sockets = prepare_more_udp(endpoint, udp_workers);
    if (!sockets)
        return sockets;
    auto tcp = make_tcp(endpoint);
    if (!tcp)
        return tl::make_unexpected(tcp.error());
    sockets->push_back(std::move(*tcp));
    return sockets;
}

bool is_tcp(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
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

base::Result<Bound> bind_endpoint(const base::Endpoint& endpoint, unsigned udp_workers,
                                  const OwnSockets& own) {
    bool not_local = false;
    if (auto r = look_for_others(endpoint, not_local, own); !r)
        return tl::make_unexpected(r.error());
    auto sockets = make_sockets(endpoint, udp_workers);
    if (!sockets)
        return tl::make_unexpected(sockets.error());
    base::Endpoint actual = endpoint;
    for (const base::UniqueFd& socket : *sockets) {
        if (auto r = open_socket(socket.get(), actual); !r)
            return tl::make_unexpected(r.error());
        if (actual.port != 0)
            continue;
        const auto info = describe(socket.get());
        if (!info)
            return tl::make_unexpected(info.error());
        actual.port = info->local.port;
    }
    Bound bound{std::move(*sockets), {}};
    if (not_local)
        bound.warnings.push_back("listen " + endpoint.to_string() +
                                 ": no interface has this address now; queries will be answered "
                                 "when one does");
    return bound;
}

base::Result<std::vector<base::UniqueFd>> prepare_endpoint(const base::Endpoint& endpoint,
                                                           unsigned udp_workers,
                                                           const OwnSockets& own) {
    bool not_local = false;
    if (auto r = look_for_others(endpoint, not_local, own); !r)
        return tl::make_unexpected(r.error());
    return make_sockets(endpoint, udp_workers);
}

base::Result<std::vector<base::UniqueFd>> prepare_more_udp(const base::Endpoint& endpoint,
                                                           unsigned count) {
    std::vector<base::UniqueFd> sockets;
    for (unsigned i = 0; i < count; ++i) {
        auto udp = make_udp(endpoint);
        if (!udp)
            return tl::make_unexpected(udp.error());
        sockets.push_back(std::move(*udp));
    }
    return sockets;
}

base::Result<void> open_socket(int fd, const base::Endpoint& endpoint) {
    const bool tcp = is_tcp(fd);
    bool not_local = false;
    int r = bind_socket(fd, endpoint, not_local);
    if (r == 0 && tcp && ::listen(fd, tcp_backlog) != 0)
        r = errno;
    if (r != 0)
        return failed(tcp ? "TCP" : "UDP", endpoint, r);
    return {};
}

void close_shared(int fd) {
    if (is_tcp(fd)) {
        ::shutdown(fd, SHUT_RDWR);
        return;
    }
    const auto info = describe(fd);
    if (!info)
        return;
    // Connected, it receives from one peer alone: from itself, which never sends. Where that fails,
    // the address is not here, and nothing arrives at all.
    base::Endpoint self = info->local;
    if (self.address.is_unspecified())
        self.address = self.address.is_v4()
                           ? base::IpAddress::v4({127, 0, 0, 1})
                           : base::IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    const auto [address, size] = to_socket_address(self);
    (void)::connect(fd, &address.any, size);
}

bool covers(const base::Endpoint& wildcard, const base::Endpoint& specific) {
    return wildcard.address.is_unspecified() && !specific.address.is_unspecified() &&
           wildcard.address.is_v4() == specific.address.is_v4() && wildcard.port == specific.port;
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
