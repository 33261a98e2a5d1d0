// HTTP requests to receivers. A receiver is taken for hostile: an attempt is bounded in time and
// memory, goes nowhere but to the URL of the configuration, and over https its certificate is
// verified.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "summond/config/config.hpp"
#include "summond/http/exchange.hpp"
#include "summond/notify/queue.hpp"

namespace summond::notify {

// How an attempt has ended.
using Answer = http::Answer;

class Sender {
  public:
    using Done = http::Done;

    // version: for User-Agent. Makes threads, in which names are looked up.
    Sender(boost::asio::io_context& io, std::string version)
        : io_(io), agent_("summond/" + std::move(version)) {}
    ~Sender() { resolvers_.stop(); }

    // done is called once, from io's loop, webhook.timeout after now at the latest.
    void post(const config::Webhook& webhook, const Notice& notice, Done done);

  private:
    static constexpr unsigned resolver_threads = 4;  // a slow name server keeps one at a time

    boost::asio::io_context& io_;
    std::string agent_;
    boost::asio::thread_pool resolvers_{resolver_threads};
};

// The headers of Standard Webhooks (standardwebhooks.com): webhook-id, webhook-timestamp and, if
// there is a secret, webhook-signature, "v1," and the HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64.
using Headers = std::vector<std::pair<std::string, std::string>>;
Headers headers(const std::string& secret, const Notice& notice,
                std::chrono::system_clock::time_point now);

}  // namespace summond::notify
