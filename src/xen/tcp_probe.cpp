#include "tcp_probe.hpp"

#include <algorithm>
#include <utility>

namespace summond::xen {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;

constexpr std::size_t most_tries = 8;  // at the same time
// Between two tries: an eighth of the time since the first.
constexpr milliseconds shortest_pause{5};
constexpr milliseconds longest_pause{100};

}  // namespace

TcpProbe::TcpProbe(boost::asio::io_context& io, tcp::endpoint port, std::function<void()> before,
                   std::function<void()> accepted)
    : io_(io),
      port_(std::move(port)),
      before_(std::move(before)),
      accepted_(std::move(accepted)),
      next_(io) {
    attempt();
}

void TcpProbe::attempt() {
    before_();
    if (tries_.size() == most_tries)
        tries_.pop_front();
    const Try attempt = tries_.emplace_back(std::make_shared<tcp::socket>(io_));
    boost::system::error_code error;
    attempt->open(port_.protocol(), error);
    if (!error)
        attempt->set_option(boost::asio::socket_base::linger(true, 0), error);
    attempt->async_connect(port_, [this, weak = std::weak_ptr(attempt)](const auto& ec) {
        if (const Try attempt = weak.lock())
            ended(attempt, ec);
    });
    const auto elapsed = std::chrono::steady_clock::now() - began_;
    next_.expires_after(std::clamp<std::chrono::steady_clock::duration>(elapsed / 8, shortest_pause,
                                                                        longest_pause));
    next_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (!ec && !alive.expired())
            this->attempt();
    });
}

void TcpProbe::ended(const Try& attempt, const boost::system::error_code& error) {
    if (error) {
        std::erase(tries_, attempt);
        return;
    }
    next_.cancel();
    boost::system::error_code ignored;
    attempt->close(ignored);  // resets; Asio's destructor would not
    tries_.clear();
    const auto accepted = std::move(accepted_);
    accepted();  // may well destroy this
}

}  // namespace summond::xen
