#include "summond/host/netlink.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace summond::host {

base::Result<Netlink> Netlink::open() {
    MnlSocket socket(::mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    if (!socket || ::mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0)
        return base::system_error("rtnetlink", errno);
    return Netlink(std::move(socket));
}

tl::expected<void, int> Netlink::ask(NetlinkRequest& request,
                                     const std::function<void(const nlmsghdr&)>& answer) {
    request.header()->nlmsg_seq = ++sequence_;
    if (::mnl_socket_sendto(socket_.get(), request.header(), request.header()->nlmsg_len) < 0)
        return tl::make_unexpected(errno);
    for (;;) {
        const auto size = ::mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return tl::make_unexpected(errno);
        int left = static_cast<int>(size);
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_seq != sequence_)
                continue;
            if (message->nlmsg_type == NLMSG_ERROR) {
                const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
                if (error->error != 0)
                    return tl::make_unexpected(-error->error);
            } else if (answer) {
                answer(*message);
            }
            return {};
        }
    }
}

}  // namespace summond::host
