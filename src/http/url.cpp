#include "summond/http/url.hpp"

#include <algorithm>

namespace summond::http {

Url split(std::string_view url) {
    Url parts;
    parts.tls = url.starts_with("https:");
    url.remove_prefix(std::min(url.find("//") + 2, url.size()));
    const auto path = std::min(url.find_first_of("/?"), url.size());
    parts.authority = url.substr(0, path);
    parts.target = url.substr(path);
    if (!parts.target.starts_with('/'))
        parts.target.insert(0, "/");
    std::string_view host = parts.authority;
    parts.port = parts.tls ? "443" : "80";
    const auto colon = host.rfind(':');
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
        parts.port = host.substr(colon + 1);
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    parts.host = host;
    return parts;
}

}  // namespace summond::http
