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

namespace {

// What inet_pton takes: four numbers up to 255 without leading zeros. A zone has a million of them.
bool parse_v4(std::string_view text, std::uint8_t* bytes) {
    std::size_t at = 0;
    for (int i = 0; i < 4; ++i) {
        if (i > 0 && (at == text.size() || text[at++] != '.'))
            return false;
        const std::size_t begin = at;
        unsigned value = 0;
        while (at < text.size() && at - begin < 3 && text[at] >= '0' && text[at] <= '9')
            value = 10 * value + static_cast<unsigned>(text[at++] - '0');
        if (at == begin || value > 255 || (text[begin] == '0' && at - begin > 1))
            return false;
        bytes[i] = static_cast<std::uint8_t>(value);
    }
    return at == text.size();
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    IpAddress address;
    if (parse_v4(text, address.bytes_.data()))
        return address;
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::copy(text.begin(), text.end(), copy.begin());
    address.size_ = 16;
    if (::inet_pton(AF_INET6, copy.data(), address.bytes_.data()) == 1)
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

bool IpPrefix::contains(const IpAddress& other) const {
    if (other.is_v4() != address.is_v4())
        return false;
    const auto ours = address.bytes();
    const auto theirs = other.bytes();
    const std::size_t whole = length / 8;
    if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole),
                    theirs.begin()))
        return false;
    const unsigned rest = length % 8;
    return rest == 0 || (ours[whole] ^ theirs[whole]) >> (8 - rest) == 0;
}

std::string IpPrefix::to_string() const {
    return address.to_string() + "/" + std::to_string(length);
}

}  // namespace summond::base
