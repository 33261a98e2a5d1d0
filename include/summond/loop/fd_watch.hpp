// Calls back whenever a descriptor that somebody else owns is readable.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

namespace summond::loop {

class FdWatch {
  public:
    FdWatch() = default;
    // On io's thread, for as long as the watch lives. readable may end the watch, by assigning to
    // it or destroying it; it must end before fd is closed.
    FdWatch(boost::asio::io_context& io, int fd, std::function<void()> readable);
    FdWatch(FdWatch&&) noexcept = default;
    FdWatch& operator=(FdWatch&& other) noexcept;
    ~FdWatch();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace summond::loop
