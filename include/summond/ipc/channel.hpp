// One end of a SOCK_SEQPACKET pair that carries ipc messages, each with at most one descriptor.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/ipc/messages.hpp"

namespace summond::ipc {

// A received datagram that is as its type is declared, from somebody who may send it to us.
struct Received {
    Type type{};
    base::UniqueFd fd;  // exactly with a type that carries one
    alignas(8) std::byte body[Messages::longest];

    template <typename Message>
    Message as() const {
        assert(type == Message::type);
        Message message;
        std::memcpy(&message, body, sizeof message);
        return message;
    }
};

// Why nothing more will come over a channel.
struct Broken {
    std::string what;
    bool violation = false;  // the peer has sent what it must not; else it is gone
};

class Channel {
  public:
    Channel() = default;
    // fd: a connected SOCK_SEQPACKET socket, non-blocking. own: the role of the process that has
    // it.
    Channel(base::UniqueFd fd, Role own, Role peer) : fd_(std::move(fd)), own_(own), peer_(peer) {}
    // Two connected ends, close-on-exec, non-blocking: the first is a's, the second b's.
    static base::Result<std::pair<Channel, Channel>> pair(Role a, Role b);

    int fd() const { return fd_.get(); }
    Role peer() const { return peer_; }
    base::UniqueFd release() { return std::move(fd_); }

    // False when the peer is gone or does not read (its socket buffer is full: such a peer is
    // stuck or hostile, and the caller drops the channel rather than wait).
    template <typename Message>
    bool send(const Message& message, int fd_to_pass = -1) {
        return send(Declaration::of<Message>(), std::as_bytes(std::span(&message, 1)), fd_to_pass);
    }

    // Nothing to read now: empty optional. Peer gone, or a datagram that is not as it is declared,
    // or not for us from that peer (the caller closes the channel): error.
    tl::expected<std::optional<Received>, Broken> receive();

    // The same of a message that is not known here. errno is EAGAIN when the peer does not read.
    bool send(const Declaration& what, std::span<const std::byte> body, int fd_to_pass);

  private:
    base::UniqueFd fd_;
    Role own_{};
    Role peer_{};
};

}  // namespace summond::ipc
