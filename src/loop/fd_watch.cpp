#include "summond/loop/fd_watch.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

namespace summond::loop {

struct FdWatch::State : std::enable_shared_from_this<State> {
    boost::asio::posix::stream_descriptor descriptor;
    std::function<void()> readable;

    State(boost::asio::io_context& io, int fd, std::function<void()> callback)
        : descriptor(io, fd), readable(std::move(callback)) {}
    ~State() { end(); }

    void wait() {
        descriptor.async_wait(descriptor.wait_read,
                              [self = shared_from_this()](const boost::system::error_code& error) {
                                  if (error || !self->descriptor.is_open())
                                      return;
                                  self->readable();
                                  if (self->descriptor.is_open())
                                      self->wait();
                              });
    }

    // The descriptor's owner closes it.
    void end() {
        if (descriptor.is_open())
            descriptor.release();
    }
};

FdWatch::FdWatch(boost::asio::io_context& io, int fd, std::function<void()> readable)
    : state_(std::make_shared<State>(io, fd, std::move(readable))) {
    state_->wait();
}

FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
    if (state_)
        state_->end();
    state_ = std::move(other.state_);
    return *this;
}

FdWatch::~FdWatch() {
    if (state_)
        state_->end();
}

}  // namespace summond::loop
