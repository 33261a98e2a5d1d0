// One request of a client over HTTP or HTTPS: looks the server up, connects, sends the request,
// reads the answer. The server is taken for hostile: all is bounded in time and memory, goes
// nowhere but to the URL, and over https its certificate is verified.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "summond/http/url.hpp"

namespace summond::http {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

// How it has ended.
struct Answer {
    unsigned status = 0;  // of HTTP; 0: there was none
    std::string what;     // why not, or the beginning of what the server has said; printable
    std::chrono::milliseconds took{};

    bool taken() const { return status >= 200 && status < 300; }
};
using Done = std::function<void(const Answer&)>;

inline constexpr std::size_t longest_answer = 65536;  // octets that are read of it

// ca: certificates (PEM) to verify by; empty: the host's. resolvers: threads in which names are
// looked up. done is called once, from io's loop, `timeout` after now at the latest.
void exchange(boost::asio::io_context& io, boost::asio::thread_pool& resolvers, Url url,
              Request request, const std::string& ca, std::chrono::milliseconds timeout, Done done);

}  // namespace summond::http
