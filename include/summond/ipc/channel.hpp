// One end of a SOCK_SEQPACKET pair that carries ipc messages, each with at most one descriptor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/ipc/messages.hpp"

namespace summond::ipc {

// A received datagram whose length fits its type.
struct Received {
    Type type{};
    base::UniqueFd fd;  // only with a type that carries one
    alignas(8) std::byte body[std::max(sizeof(Touch), sizeof(Tenant))];

    template <typename Message>
    Message as() const {
        static_assert(std::is_trivially_copyable_v<Message>);
        Message message;
        std::memcpy(&message, body, sizeof message);
        return message;
    }
};

class Channel {
  public:
    Channel() = default;
    // fd: a connected SOCK_SEQPACKET socket, non-blocking.
    explicit Channel(base::UniqueFd fd) : fd_(std::move(fd)) {}
    // Two connected ends, close-on-exec, non-blocking.
    static base::Result<std::pair<Channel, Channel>> pair();

    int fd() const { return fd_.get(); }
    base::UniqueFd release() { return std::move(fd_); }

    // False when the peer is gone or does not read (its socket buffer is full: such a peer is
    // stuck or hostile, and the caller drops the channel rather than wait).
    template <typename Message>
    bool send(const Message& message, int fd_to_pass = -1) {
        static_assert(std::is_trivially_copyable_v<Message>);
        return send_bytes(Message::type, std::as_bytes(std::span(&message, 1)), fd_to_pass);
    }

    // Nothing to read now: empty optional. Peer gone, or a malformed datagram (the caller closes
    // the channel): error.
    base::Result<std::optional<Received>> receive();

  private:
    bool send_bytes(Type type, std::span<const std::byte> body, int fd_to_pass);
    base::UniqueFd fd_;
};

}  // namespace summond::ipc
