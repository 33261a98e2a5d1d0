// The daemon's answers as people read them.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "table.hpp"
#include "words.hpp"

namespace summond::ctl {

// GET /v1/status.
std::string status_view(const boost::json::value& status, const Style& style);
// The first lines of that: what there is, what it takes, what is wrong.
std::string summary_view(const boost::json::value& status, const Style& style);
// GET /v1/services.
std::string services_view(const boost::json::value& services, const Style& style);
// GET /v1/services/{service}. now: to count from.
std::string service_view(const boost::json::value& service, WallTime now, const Style& style);

// GET /v1/zones.
std::string zones_view(const boost::json::value& zones, const Style& style);
// GET /v1/webhooks.
std::string webhooks_view(const boost::json::value& webhooks, const Style& style);
// GET /v1/hosts.
std::string hosts_view(const boost::json::value& hosts, const Style& style);
// GET /v1/wakes: a line each.
std::string wakes_view(const boost::json::value& wakes, const Style& style);
// One wake: what it has waited for, from top to bottom.
std::string wake_view(const boost::json::value& wake, const Style& style);
// One step of a wake that is under way: how the service stands since when. asked: when it was asked
// for. Empty: nobody knows.
std::string trace_line(const boost::json::value& service, WallTime asked, const Style& style);
// One event as a line. before: the state of its service, empty if not known; becomes the new one.
std::string event_line(const std::string& type, const boost::json::value& data, WallTime now,
                       std::string& before, const Style& style);

// Of a service's state.
Colour colour_of(const std::string& state);
// What comes next for a service: "asleep in 3 min", "pinned", "next try in 5 s".
std::string next_words(const boost::json::value& service, WallTime now);

}  // namespace summond::ctl
