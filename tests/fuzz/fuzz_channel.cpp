// What a taken-over front can send: any datagram, with any number of descriptors. The first byte
// says how many descriptors, the rest is the datagram.
#include <fcntl.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "summond/ipc/channel.hpp"

using namespace summond;

namespace {

constexpr std::size_t max_fds = 8;

// The lowest free number: grows when a descriptor leaks.
int next_fd() {
    const base::UniqueFd fd(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    return fd.get();
}

bool send_raw(int socket, std::span<const std::uint8_t> bytes, std::size_t fd_count) {
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(max_fds * sizeof(int))] = {};
    if (fd_count > 0) {
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        const std::vector<int> fds(fd_count, socket);
        std::memcpy(CMSG_DATA(c), fds.data(), fd_count * sizeof(int));
    }
    return ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const int before = next_fd();
    {
        auto pair = ipc::Channel::pair();
        if (!pair)
            std::abort();
        if (!send_raw(pair->first.fd(), {data + 1, size - 1}, data[0] % (max_fds + 1)))
            return 0;  // larger than the socket's buffer
        auto received = pair->second.receive();
        if (received && *received) {
            const ipc::Type type = (*received)->type;
            const bool carries = type == ipc::Type::peer || type == ipc::Type::reload ||
                                 type == ipc::Type::tap || type == ipc::Type::attach ||
                                 type == ipc::Type::connection;
            if (carries != static_cast<bool>((*received)->fd) || size - 1 < sizeof type)
                std::abort();
            // What was accepted is what was sent,.
            if (std::memcmp((*received)->body, data + 1 + sizeof type, size - 1 - sizeof type) != 0)
                std::abort();
        }
    }
    if (next_fd() != before)
        std::abort();
    return 0;
}
