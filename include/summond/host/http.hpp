// What a readiness probe says to a web server, and what it makes of the answer (RFC 9112). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "summond/base/ip_address.hpp"

namespace summond::host {

// A GET request (RFC 9112 §3) for a path of the server at an address. path: begins with a slash,
// and has no spaces or control characters.
std::string http_get(const std::string& path, const base::Endpoint& server);
// Whether a server that answers like this is up: any status (RFC 9112 §4) but 5xx, with which it
// would say that it is not. The beginning of the response is enough.
bool is_up(std::span<const std::uint8_t> response);

}  // namespace summond::host
