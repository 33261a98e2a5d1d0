// What has happened, for those who follow it: server-sent events (WHATWG HTML §9.2) with ids, of
// which the last ones are kept for who comes back. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace summond::control {

// As it goes out.
using EventText = std::shared_ptr<const std::string>;

class Events {
  public:
    static constexpr std::size_t kept = 1000;

    // epoch: tells the ids of one process from another's.
    explicit Events(std::uint64_t epoch) : epoch_(epoch) {}

    // service: whose it is; empty: nobody's.
    EventText add(std::string_view type, const boost::json::object& data,
                  const std::string& service = {});
    // What somebody has missed who has seen this event last: all since then; or, where that is not
    // known any more, one event `lagged`. Nothing if last_id is empty.
    // service: only its events, here and below; empty: all.
    std::vector<EventText> since(std::string_view last_id, const std::string& service = {}) const;
    // The last ones.
    std::vector<EventText> last(std::size_t count, const std::string& service = {}) const;

  private:
    struct Event {
        EventText text;
        std::string service;
    };
    std::uint64_t epoch_;
    std::uint64_t first_ = 1;  // number of the oldest that is kept
    std::deque<Event> events_;
};

// Who follows has missed something: the last event of those who are too slow.
EventText lagged();

}  // namespace summond::control
