// What the commands of summonctl have in common: asking, showing, waiting, failing.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "client.hpp"
#include "table.hpp"

namespace summond::ctl {

// Exit statuses.
inline constexpr int refused = 1;  // or failed: the daemon says why
inline constexpr int bad_usage = 2;
inline constexpr int unreachable = 3;  // no daemon answers
inline constexpr int timed_out = 4;    // what was waited for has not come

struct Options {
    std::string socket = "/run/summond/control.sock";
    bool json = false;
};

// Says why, and is the exit status for it.
int unreachable_for(const Unreachable& why);

// Colours and a width only where a person reads.
Style style_of(std::FILE* stream);

class Program {
  public:
    using View = std::function<std::string(const boost::json::value&, const Style&)>;

    explicit Program(const Options& options) : options_(options), client_(options.socket) {}

    // Each returns an exit status. Shows what is at the target.
    int show(const std::string& target, const View& view) const;
    // Gives a command and says what has become of it. about: "www", or empty. waiting: what a
    // person is told meanwhile. wait: how long the daemon may take.
    int command(const std::string& target, const std::string& about, const std::string& waiting,
                std::chrono::milliseconds wait) const;
    int reload() const;
    // Has each of these webhooks told at once, or all if none is named.
    int ping(std::vector<std::string> webhooks) const;
    // Events as lines. service: only its events; empty: all.
    int events(const std::string& service, bool follow, unsigned last) const;
    // A service's wake that is under way, or its next one, to its end. wake: wakes it.
    int trace(const std::string& service, bool wake) const;
    // A page of the terminal, until somebody ends it.
    int top() const;

  private:
    int fail(const Reply& reply) const;
    int ping(const std::string& webhook) const;

    const Options& options_;
    Client client_;
};

}  // namespace summond::ctl
