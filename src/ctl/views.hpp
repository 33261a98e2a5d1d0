// The daemon's answers as people read them.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "table.hpp"
#include "words.hpp"

namespace summond::ctl {

// GET /v1/status.
std::string status_view(const boost::json::value& status, const Style& style);
// GET /v1/services.
std::string services_view(const boost::json::value& services, const Style& style);
// GET /v1/services/{service}. now: to count from.
std::string service_view(const boost::json::value& service, WallTime now, const Style& style);

// What comes next for a service: "asleep in 3 min", "pinned", "next try in 5 s".
std::string next_words(const boost::json::value& service, WallTime now);

}  // namespace summond::ctl
