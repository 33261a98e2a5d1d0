// Asks etcd over HTTP, a connection for each request.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "summond/config/config.hpp"
#include "summond/fleet/membership.hpp"
#include "summond/http/exchange.hpp"

namespace summond::fleet {

class HttpTransport final : public Transport {
  public:
    // Octets of an answer, but of a watch.
    static constexpr std::size_t longest_answer = std::size_t{4} << 20;

    // resolvers: threads in which names are looked up; one that a name server keeps waiting is not
    // waited for here. version: for User-Agent. after: is called after each call back, even if that
    // has ended the transport.
    HttpTransport(boost::asio::io_context& io, boost::asio::thread_pool& resolvers,
                  config::Fleet config, const std::string& version, std::function<void()> after)
        : io_(io),
          resolvers_(resolvers),
          config_(std::move(config)),
          agent_("summond/" + version),
          after_(std::move(after)) {}
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;
    ~HttpTransport() override { HttpTransport::cancel(); }

    void call(std::size_t server, const etcd::Request& request, const std::string& token,
              std::chrono::milliseconds timeout, Done done) override;
    void watch(std::size_t server, const etcd::Request& request, const std::string& token,
               std::chrono::milliseconds timeout, Part part, Done ended) override;
    void cancel() override;

  private:
    void post(std::size_t server, const etcd::Request& request, const std::string& token,
              http::Terms terms, Done done);

    boost::asio::io_context& io_;
    boost::asio::thread_pool& resolvers_;
    config::Fleet config_;
    std::string agent_;
    std::function<void()> after_;
    std::vector<std::weak_ptr<http::Running>> running_;
};

}  // namespace summond::fleet
