// Finds out when a port of a guest begins to accept connections, or the web server there to answer.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "summond/host/probe_pace.hpp"

namespace summond::host {

// Connects again and again until a connection is there, which it ends with a reset: nothing is left
// of it here or in the guest. A refusal (the guest's stack is up, its server is not) and silence
// (nothing is up: the kernel would try again after a whole second) are followed by another try
// soon. Each try has the time of the eight after it, so that a slow answer is waited for.
//
// With a request, this is sent over the first connection that is there, and it takes an answer by
// which the server is up (host::is_up) for the guest to be ready; else it is tried again. Given
// up when destroyed.
class TcpProbe {
  public:
    // before: called before every try. ready: called once, from io's loop.
    TcpProbe(boost::asio::io_context& io, boost::asio::ip::tcp::endpoint port, std::string request,
             std::function<void()> before, std::function<void()> ready);
    TcpProbe(const TcpProbe&) = delete;
    TcpProbe& operator=(const TcpProbe&) = delete;

  private:
    using Try = std::shared_ptr<boost::asio::ip::tcp::socket>;
    void attempt();
    void try_later();
    void ended(const Try& attempt, const boost::system::error_code& error);
    void ask(const Try& attempt);
    void answered(const boost::system::error_code& error, std::size_t size);
    void is_ready();

    boost::asio::io_context& io_;
    const boost::asio::ip::tcp::endpoint port_;
    const std::string request_;
    std::function<void()> before_;
    std::function<void()> ready_;
    ProbePace pace_;
    boost::asio::steady_timer next_;
    std::deque<Try> tries_;  // the oldest first; those given up are not here
    std::array<std::uint8_t, 64> answer_{};
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace summond::host
