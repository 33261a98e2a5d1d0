// A channel on an event loop: messages are handed on as they come, and who has something to say to
// a peer that takes nothing is told when it does. Not for a peer that may be waited for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "summond/ipc/channel.hpp"

namespace summond::ipc {

class Link {
  public:
    // Messages taken in one go before others have their turn.
    static constexpr int batch = 64;

    // All are called from io's loop, or from receive(), and may close or destroy the link.
    struct Handlers {
        // What the channel lets through. False: the peer must not say that now; the link closes.
        std::function<bool(Received&)> message;
        // Once: the peer is gone or has broken the protocol, which has been logged. Nothing is
        // called after that.
        std::function<void()> closed;
        // The peer takes messages again, after it has refused one.
        std::function<void()> writable{};
        // After each batch.
        std::function<void()> received{};
    };

    Link() = default;
    Link(boost::asio::io_context& io, Channel channel, Handlers handlers);
    Link(Link&&) noexcept = default;
    Link& operator=(Link&& other) noexcept;
    ~Link();

    bool is_open() const;
    // A message was refused, and `writable` has not been called since.
    bool is_full() const;
    // False: the peer is gone, which `closed` will say, or does not read; then nothing is sent
    // until `writable`, so that nobody has to keep more than what is new by then.
    template <typename Message>
    bool send(const Message& message, int fd_to_pass = -1) {
        return send(Declaration::of<Message>(), std::as_bytes(std::span(&message, 1)), fd_to_pass);
    }
    // What has come up to now.
    void receive();
    // Without a word to `closed`.
    void close();

  private:
    struct State;
    bool send(const Declaration& what, std::span<const std::byte> body, int fd_to_pass);
    std::shared_ptr<State> state_;
};

}  // namespace summond::ipc
