// One attempt: looks the receiver up, connects, sends the request, reads the answer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <string>

#include "summond/notify/sender.hpp"
#include "url.hpp"

namespace summond::notify {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

// ca: certificates (PEM) to verify by; empty: the host's. done is called once, from io's loop.
void exchange(boost::asio::io_context& io, boost::asio::thread_pool& resolvers, Url url,
              Request request, const std::string& ca, std::chrono::milliseconds timeout,
              Sender::Done done);

}  // namespace summond::notify
