#include "summond/ipc/link.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::ipc {

using Descriptor = boost::asio::posix::stream_descriptor;

// Kept by what is waited for, so that a handler may destroy the link.
struct Link::State : std::enable_shared_from_this<State> {
    State(boost::asio::io_context& io, Channel new_channel, Handlers new_handlers)
        : channel(std::move(new_channel)),
          descriptor(io, channel.fd()),
          handlers(std::move(new_handlers)) {}
    ~State() { end(); }

    bool is_open() const { return descriptor.is_open(); }

    std::string_view peer() const { return to_string(channel.peer()); }

    void end() {
        if (is_open())
            descriptor.release();  // it is the channel's
        channel = Channel();
    }

    void wait() {
        descriptor.async_wait(Descriptor::wait_read,
                              [self = shared_from_this()](const boost::system::error_code& error) {
                                  if (error || !self->is_open())
                                      return;
                                  self->receive(batch);
                                  if (self->is_open())
                                      self->wait();
                              });
    }

    // False: there was nothing more.
    bool receive_one() {
        auto received = channel.receive();
        if (received && !*received)
            return false;
        const bool taken = received && handlers.message(**received);
        if (taken || !is_open())
            return is_open();
        if (received)
            spdlog::error("{} sent a message that makes no sense; its channel is closed", peer());
        else if (received.error().violation)
            spdlog::error("{}: {}; its channel is closed", peer(), received.error().what);
        end();
        const auto closed = std::move(handlers.closed);
        closed();
        return false;
    }

    void receive(int most) {
        const auto self = shared_from_this();
        for (int i = 0; i < most && receive_one(); ++i)
            ;
        if (is_open() && handlers.received)
            handlers.received();
    }

    bool send(const Declaration& what, std::span<const std::byte> body, int fd_to_pass) {
        if (!is_open() || full)
            return false;
        if (channel.send(what, body, fd_to_pass))
            return true;
        full = true;
        if (errno == EAGAIN)
            wait_for_room();
        return false;
    }

    void wait_for_room() {
        descriptor.async_wait(Descriptor::wait_write,
                              [self = shared_from_this()](const boost::system::error_code& error) {
                                  if (error || !self->is_open())
                                      return;
                                  self->full = false;
                                  if (self->handlers.writable)
                                      self->handlers.writable();
                              });
    }

    Channel channel;
    Descriptor descriptor;
    Handlers handlers;
    bool full = false;  // the peer does not read, or is gone
};

Link::Link(boost::asio::io_context& io, Channel channel, Handlers handlers)
    : state_(std::make_shared<State>(io, std::move(channel), std::move(handlers))) {
    state_->wait();
}

Link& Link::operator=(Link&& other) noexcept {
    close();
    state_ = std::move(other.state_);
    return *this;
}

Link::~Link() {
    close();
}

bool Link::is_open() const {
    return state_ && state_->is_open();
}

bool Link::is_full() const {
    return state_ && state_->full;
}

void Link::receive() {
    if (!state_)
        return;
    const auto state = state_;
    while (state->is_open() && state->receive_one())
        ;
}

void Link::close() {
    if (state_)
        state_->end();
}

bool Link::send(const Declaration& what, std::span<const std::byte> body, int fd_to_pass) {
    return state_ && state_->send(what, body, fd_to_pass);
}

}  // namespace summond::ipc
