#include "summond/base/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace summond::base {

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
    IpAddress address;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
    IpAddress address;
    address.size_ = 16;
    address.bytes_ = bytes;
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string copy(text);
    if (text.find('\0') != std::string_view::npos)
        return std::nullopt;
    IpAddress address;
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1)
        return address;
    address.size_ = 16;
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1)
        return address;
    return std::nullopt;
}

bool IpAddress::is_unspecified() const {
    return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_multicast() const {
    return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
}

std::string Endpoint::to_string() const {
    const std::string host = address.to_string();
    return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::string IpPrefix::to_string() const {
    return address.to_string() + "/" + std::to_string(length);
}

}  // namespace summond::base
