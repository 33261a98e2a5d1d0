// IPv4 and IPv6 addresses, as bytes in network order, and networks.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace summond::base {

class IpAddress {
  public:
    // The unspecified IPv4 address, 0.0.0.0.
    IpAddress() = default;
    static IpAddress v4(std::array<std::uint8_t, 4> bytes);
    static IpAddress v6(std::array<std::uint8_t, 16> bytes);
    // Dotted quad or RFC 4291 text, nothing around it (no brackets, zone or prefix length).
    static std::optional<IpAddress> parse(std::string_view text);

    bool is_v4() const { return size_ == 4; }
    bool is_v6() const { return size_ == 16; }
    bool is_unspecified() const;
    bool is_multicast() const;
    // 4 or 16 bytes in network order.
    std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
    std::string to_string() const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  private:
    std::uint8_t size_ = 4;
    std::array<std::uint8_t, 16> bytes_{};  // beyond size_: zero
};

// An address and a UDP or TCP port.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    // "192.0.2.1:53" or "[2001:db8::1]:53".
    std::string to_string() const;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// A network: all addresses whose first `length` bits are those of address.
struct IpPrefix {
    IpAddress address;    // the bits beyond length are zero
    unsigned length = 0;  // at most 32 or 128

    bool contains(const IpAddress& other) const;
    // "192.0.2.0/24" or "2001:db8::/32".
    std::string to_string() const;
    friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
};

}  // namespace summond::base
