#include "summond/ipc/channel.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace summond::ipc {
namespace {

// Length of a type's body; 0 for an unknown type.
std::size_t body_size(Type type) {
    switch (type) {
        case Type::wake:
            return sizeof(Wake);
        case Type::touch:
            return sizeof(Touch);
        case Type::state:
            return sizeof(State);
        case Type::peer:
            return sizeof(Peer);
        case Type::drain:
            return sizeof(Drain);
        case Type::reload:
            return sizeof(Reload);
        case Type::retire:
            return sizeof(Retire);
        case Type::stop:
            return sizeof(Stop);
        case Type::ready:
            return sizeof(Ready);
        case Type::tap:
            return sizeof(Tap);
        case Type::tenant:
            return sizeof(Tenant);
        case Type::forget:
            return sizeof(Forget);
        case Type::attach:
            return sizeof(Attach);
        case Type::stand:
            return sizeof(Stand);
        case Type::arrived:
            return sizeof(Arrived);
        case Type::handed_over:
            return sizeof(HandedOver);
        case Type::grown:
            return sizeof(Grown);
        case Type::connection:
            return sizeof(Connection);
        case Type::opened:
            return sizeof(Opened);
    }
    return 0;
}

bool carries_fd(Type type) {
    return type == Type::peer || type == Type::reload || type == Type::tap ||
           type == Type::attach || type == Type::connection;
}

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

base::Result<std::pair<Channel, Channel>> Channel::pair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) != 0)
        return base::system_error("socketpair", errno);
    return std::pair{Channel(base::UniqueFd(fds[0])), Channel(base::UniqueFd(fds[1]))};
}

bool Channel::send_bytes(Type type, std::span<const std::byte> body, int fd_to_pass) {
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

base::Result<std::optional<Received>> Channel::receive() {
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
        return base::system_error("receive", errno);
    std::size_t fds = 0;
    message.fd = take_fd(header, fds);
    if (r == 0)
        return base::error("closed by the other side");
    const auto size = static_cast<std::size_t>(r);
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || size < sizeof message.type ||
        body_size(message.type) == 0 || size != sizeof message.type + body_size(message.type) ||
        fds != (carries_fd(message.type) ? 1U : 0U))
        return base::error("malformed message");
    return std::optional<Received>(std::move(message));
}

}  // namespace summond::ipc
