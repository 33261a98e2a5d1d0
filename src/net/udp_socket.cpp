#include "summond/net/udp_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "socket_address.hpp"

namespace summond::net {
namespace {

template <typename Info>
void set_info(msghdr& header, int level, int type, const Info& info) {
    header.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* const c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
}

}  // namespace

base::Result<UdpSocket> UdpSocket::open(bool v4) {
    base::UniqueFd fd(
        ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (!fd || (!v4 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0))
        return base::system_error("UDP socket", errno);
    SocketAddress any{};
    any.any.sa_family = v4 ? AF_INET : AF_INET6;
    if (::bind(fd.get(), &any.any, v4 ? sizeof any.v4 : sizeof any.v6) != 0)
        return base::system_error("UDP socket: bind", errno);
    return UdpSocket(std::move(fd));
}

base::Result<void> UdpSocket::send(const base::Endpoint& to,
                                   const std::optional<base::IpAddress>& source,
                                   std::span<const std::uint8_t> message) const {
    auto [address, size] = to_socket_address(to);
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
    iovec data{const_cast<std::uint8_t*>(message.data()), message.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = size;
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    if (source && source->is_v4()) {
        in_pktinfo info{};
        std::ranges::copy(source->bytes(), reinterpret_cast<std::uint8_t*>(&info.ipi_spec_dst));
        set_info(header, IPPROTO_IP, IP_PKTINFO, info);
    } else if (source) {
        in6_pktinfo info{};
        std::ranges::copy(source->bytes(), info.ipi6_addr.s6_addr);
        set_info(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
        header.msg_control = nullptr;
        header.msg_controllen = 0;
    }
    if (::sendmsg(fd_.get(), &header, MSG_DONTWAIT) >= 0)
        return {};
    const int error = errno;
    // The address is not the host's any more, or not yet.
    if (source && (error == EINVAL || error == EADDRNOTAVAIL))
        return send(to, std::nullopt, message);
    return base::system_error("sendmsg", error);
}

std::optional<UdpSocket::Received> UdpSocket::receive(std::span<std::uint8_t> message) const {
    SocketAddress from{};
    socklen_t size = sizeof from;
    const ssize_t r =
        ::recvfrom(fd_.get(), message.data(), message.size(), MSG_DONTWAIT, &from.any, &size);
    if (r < 0 || (from.any.sa_family != AF_INET && from.any.sa_family != AF_INET6))
        return std::nullopt;
    return Received{static_cast<std::size_t>(r), to_endpoint(from)};
}

}  // namespace summond::net
