#include "summond/control/followers.hpp"

namespace summond::control {

void Followers::tell(std::string_view type, const boost::json::object& data,
                     const std::string& service) {
    const EventText text = events_.add(type, data, service);
    std::erase_if(followers_, [&](const Follower& each) {
        return (each.service.empty() || each.service == service) && !each.stream->send(text);
    });
}

void Followers::add(const Asked& asked, const std::string& last_event_id, Exchange& exchange) {
    const auto stream = exchange.stream(lagged());
    auto missed = events_.since(last_event_id, asked.service);
    if (last_event_id.empty())
        missed = events_.last(asked.last.value_or(asked.follow ? 0 : shown), asked.service);
    bool there = true;
    for (const EventText& text : missed)
        there = there && stream->send(text);
    if (!asked.follow)
        stream->end();
    else if (there)
        followers_.push_back({stream, asked.service});
}

}  // namespace summond::control
