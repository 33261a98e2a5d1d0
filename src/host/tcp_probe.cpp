#include "summond/host/tcp_probe.hpp"

#include <boost/asio/write.hpp>
#include <span>
#include <utility>

#include "summond/host/http.hpp"

namespace summond::host {
namespace {

using boost::asio::ip::tcp;
using std::chrono::milliseconds;

constexpr std::size_t most_tries = 8;  // at the same time
constexpr milliseconds shortest_retry{5};
constexpr milliseconds longest_retry{100};

}  // namespace

TcpProbe::TcpProbe(boost::asio::io_context& io, tcp::endpoint port, std::string request,
                   std::function<void()> before, std::function<void()> ready)
    : io_(io),
      port_(std::move(port)),
      request_(std::move(request)),
      before_(std::move(before)),
      ready_(std::move(ready)),
      pace_(shortest_retry, longest_retry),
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
    try_later();
}

void TcpProbe::try_later() {
    next_.expires_after(pace_.pause());
    next_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (!ec && !alive.expired())
            attempt();
    });
}

void TcpProbe::ended(const Try& attempt, const boost::system::error_code& error) {
    if (error) {
        std::erase(tries_, attempt);
        return;
    }
    next_.cancel();
    tries_ = {attempt};
    if (request_.empty())
        is_ready();
    else
        ask(attempt);
}

void TcpProbe::ask(const Try& attempt) {
    boost::asio::async_write(*attempt, boost::asio::buffer(request_),
                             [this, weak = std::weak_ptr(attempt)](auto ec, auto) {
                                 const Try attempt = weak.lock();
                                 if (!attempt)
                                     return;
                                 if (ec)
                                     return answered(ec, 0);
                                 attempt->async_read_some(boost::asio::buffer(answer_),
                                                          [this, weak](auto error, auto size) {
                                                              if (!weak.expired())
                                                                  answered(error, size);
                                                          });
                             });
}

void TcpProbe::answered(const boost::system::error_code& error, std::size_t size) {
    if (!error && is_up(std::span(answer_).first(size)))
        return is_ready();
    tries_.clear();
    try_later();
}

void TcpProbe::is_ready() {
    boost::system::error_code ignored;
    tries_.front()->close(ignored);  // resets; Asio's destructor would not
    tries_.clear();
    const auto ready = std::move(ready_);
    ready();  // may well destroy this
}

}  // namespace summond::host
