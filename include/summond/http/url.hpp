// The parts of a URL (RFC 3986 §3).
#pragma once

#include <string>
#include <string_view>

namespace summond::http {

struct Url {
    bool tls = false;
    std::string authority;  // as in the header Host
    std::string host;       // a name or an address, without brackets
    std::string port;
    std::string target;  // with its query
};

// url: one that the configuration has taken.
Url split(std::string_view url);

}  // namespace summond::http
