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
#include <memory>
#include <string>
#include <string_view>

#include "summond/http/url.hpp"

namespace summond::http {

using Request = boost::beast::http::request<boost::beast::http::string_body>;

// How it has ended.
struct Answer {
    unsigned status = 0;  // of HTTP; 0: there was none
    std::string what;     // why not, or the beginning of what the server has said; printable
    std::string body;     // what it has said; empty where that was handed on
    bool whole = false;   // up to its end
    std::chrono::milliseconds took{};

    bool taken() const { return status >= 200 && status < 300; }
};
using Done = std::function<void(const Answer&)>;

inline constexpr std::size_t longest_answer = 65536;

// All of it is PEM, and may be empty.
struct Tls {
    std::string ca;           // certificates to verify by; empty: the host's
    std::string certificate;  // what the client shows, with those that vouch for it
    std::string key;          // of that
};

struct Terms {
    Tls tls;
    std::chrono::milliseconds timeout{};   // for all of it
    std::size_t longest = longest_answer;  // octets that are read of the answer's body
    // The body is handed on as it comes. Then there is no end to how much and how long, but that
    // the answer has to begin in time.
    std::function<void(std::string_view)> part{};
};

class Running {
  public:
    virtual ~Running() = default;
    // It ends, and calls nobody any more. May be called from `part`.
    virtual void cancel() = 0;
};

// resolvers: threads in which names are looked up. done is called once, from io's loop, but after a
// cancel; without `part`, `timeout` after now at the latest. What is returned is there until then.
std::weak_ptr<Running> exchange(boost::asio::io_context& io, boost::asio::thread_pool& resolvers,
                                Url url, Request request, Terms terms, Done done);

}  // namespace summond::http
