// Asks the daemon over its control socket.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <tl/expected.hpp>

namespace summond::ctl {

struct Reply {
    unsigned status = 0;  // of HTTP
    std::string body;
    boost::json::value json;  // null if the body is none
};

// Nobody answers: why, and what to do.
struct Unreachable {
    std::string what;
};

// A server-sent event.
struct Event {
    std::string id;
    std::string type;
    std::string data;
};

class Client {
  public:
    explicit Client(std::string socket) : socket_(std::move(socket)) {}

    // method: GET or POST. tick is called ten times a second while it waits; may be empty.
    tl::expected<Reply, Unreachable> request(const std::string& method, const std::string& target,
                                             std::chrono::milliseconds patience,
                                             const std::function<void()>& tick = {}) const;

    // Events, until the daemon ends them or on_event says false. last_id: what has been seen.
    tl::expected<void, Unreachable> follow(const std::string& target, const std::string& last_id,
                                           const std::function<bool(const Event&)>& on_event) const;

  private:
    std::string socket_;
};

// As it stands in a target (RFC 3986 §2.1).
std::string encoded(const std::string& text);

}  // namespace summond::ctl
