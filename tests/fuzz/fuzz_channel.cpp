// What a peer that has been taken over can send: any datagram, with any number of descriptors. The
// low half of the first byte says how many descriptors, the high half who sends to whom, and the
// rest is the datagram.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
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
    using ipc::Role;
    constexpr std::pair<Role, Role> ends[] = {
        {Role::front, Role::vmm},   {Role::vmm, Role::front},    {Role::wire, Role::vmm},
        {Role::vmm, Role::wire},    {Role::front, Role::parent}, {Role::wire, Role::parent},
        {Role::vmm, Role::parent},  {Role::parent, Role::front}, {Role::parent, Role::vmm},
        {Role::parent, Role::wire},
    };
    if (size == 0)
        return 0;
    const auto [from, to] = ends[(data[0] >> 4) % std::size(ends)];
    const std::size_t fd_count = (data[0] & 15) % (max_fds + 1);
    const int before = next_fd();
    {
        auto pair = ipc::Channel::pair(from, to);
        if (!pair)
            std::abort();
        if (!send_raw(pair->first.fd(), {data + 1, size - 1}, fd_count))
            return 0;  // larger than the socket's buffer
        const auto received = pair->second.receive();
        ipc::Type type{};
        std::memcpy(&type, data + 1, std::min(size - 1, sizeof type));
        const ipc::Declaration* const declared =
            size - 1 < sizeof type ? nullptr : ipc::declaration_of(type);
        // Exactly what is declared comes through.
        const bool good = declared != nullptr && size - 1 == sizeof type + declared->size &&
                          fd_count == (declared->carries_fd ? 1U : 0U) &&
                          declared->allows(from, to);
        if (good != (received && *received))
            std::abort();
        if (good) {
            if ((*received)->type != type ||
                declared->carries_fd != static_cast<bool>((*received)->fd) ||
                std::memcmp((*received)->body, data + 1 + sizeof type, declared->size) != 0)
                std::abort();
        } else if (!received && size > 1 && !received.error().violation) {
            std::abort();
        }
    }
    if (next_fd() != before)
        std::abort();
    return 0;
}
