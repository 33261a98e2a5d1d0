#include "summond/ipc/channel.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <string>

namespace summond::ipc {
namespace {

union Control {
    cmsghdr header;  // aligns the buffer
    char bytes[CMSG_SPACE(sizeof(int))];
};

// Takes every descriptor out of the message, so that none leaks, and counts them; keeps the first.
// The control buffer, made for one, has room for two by its alignment.
base::UniqueFd take_fd(msghdr& header, std::size_t& taken) {
    base::UniqueFd first;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            base::UniqueFd owned(fd);
            if (taken++ == 0)
                first = std::move(owned);
        }
    }
    return first;
}

}  // namespace

base::Result<std::pair<Channel, Channel>> Channel::pair(Role a, Role b) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) != 0)
        return base::system_error("socketpair", errno);
    return std::pair{Channel(base::UniqueFd(fds[0]), a, b), Channel(base::UniqueFd(fds[1]), b, a)};
}

bool Channel::send(const Declaration& what, std::span<const std::byte> body, int fd_to_pass) {
    assert(what.allows(own_, peer_) && what.carries_fd == (fd_to_pass >= 0));
    Type type = what.type;
    std::array<iovec, 2> parts{
        {{&type, sizeof type}, {const_cast<std::byte*>(body.data()), body.size()}}};
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    Control control{};
    if (fd_to_pass >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd_to_pass);
        std::memcpy(CMSG_DATA(c), &fd_to_pass, sizeof fd_to_pass);
    }
    ssize_t r;
    do {
        r = ::sendmsg(fd_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (r < 0 && errno == EINTR);
    return r >= 0;
}

tl::expected<std::optional<Received>, Broken> Channel::receive() {
    Received message;
    std::array<iovec, 2> parts{
        {{&message.type, sizeof message.type}, {message.body, sizeof message.body}}};
    Control control{};
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    ssize_t r;
    do {
        r = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (r < 0 && errno == EINTR);
    if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return std::optional<Received>();
    if (r < 0)
        return tl::make_unexpected(Broken{base::system_error("receive", errno).value().what});
    std::size_t fds = 0;
    message.fd = take_fd(header, fds);
    if (r == 0)
        return tl::make_unexpected(Broken{"closed by the other side"});
    const auto size = static_cast<std::size_t>(r);
    const Declaration* const declared =
        size < sizeof message.type ? nullptr : declaration_of(message.type);
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || declared == nullptr ||
        size != sizeof message.type + declared->size || fds != (declared->carries_fd ? 1U : 0U))
        return tl::make_unexpected(Broken{"malformed message", true});
    if (!declared->allows(peer_, own_))
        return tl::make_unexpected(
            Broken{"message " + std::to_string(static_cast<unsigned>(declared->type)) +
                       " is not its sender's",
                   true});
    return std::optional<Received>(std::move(message));
}

}  // namespace summond::ipc
