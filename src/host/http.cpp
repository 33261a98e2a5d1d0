#include "summond/host/http.hpp"

#include <fmt/format.h>

#include <string_view>

namespace summond::host {

std::string http_get(const std::string& path, const base::Endpoint& server) {
    const std::string address = server.address.to_string();
    return fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: summond\r\nConnection: close\r\n\r\n", path,
        server.address.is_v6() ? "[" + address + "]" : address, server.port);
}

bool is_up(std::span<const std::uint8_t> response) {
    constexpr std::size_t status = 9;  // in "HTTP/1.1 200 OK"
    const std::string_view line(reinterpret_cast<const char*>(response.data()), response.size());
    return line.size() > status && line.starts_with("HTTP/1.") && line[status - 1] == ' ' &&
           line[status] >= '1' && line[status] <= '4';
}

}  // namespace summond::host
