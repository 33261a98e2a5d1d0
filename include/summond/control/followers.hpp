// Those who follow events, and what they are told. Pure but for the streams.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "summond/control/events.hpp"
#include "summond/control/routes.hpp"
#include "summond/control/server.hpp"

namespace summond::control {

class Followers {
  public:
    static constexpr std::size_t shown = 20;  // without `follow`, where nobody says how many

    // epoch: as of Events.
    explicit Followers(std::uint64_t epoch) : events_(epoch) {}

    // service: whose it is; empty: nobody's.
    void tell(std::string_view type, const boost::json::object& data,
              const std::string& service = {});
    // Answers a request for events.
    void add(const Asked& asked, const std::string& last_event_id, Exchange& exchange);

  private:
    struct Follower {
        std::shared_ptr<Stream> stream;
        std::string service;
    };
    Events events_;
    std::list<Follower> followers_;
};

}  // namespace summond::control
