#include <algorithm>

#include "summond/answer/answer.hpp"

namespace summond::answer {

bool Wakers::contains(std::span<const std::uint8_t> client) const noexcept {
    base::IpAddress address;
    if (std::array<std::uint8_t, 4> v4; client.size() == v4.size()) {
        std::ranges::copy(client, v4.begin());
        address = base::IpAddress::v4(v4);
    } else if (std::array<std::uint8_t, 16> v6; client.size() == v6.size()) {
        std::ranges::copy(client, v6.begin());
        address = base::IpAddress::v6(v6);
    } else {
        return false;
    }
    return std::ranges::any_of(
        networks, [&address](const base::IpPrefix& network) { return network.contains(address); });
}

}  // namespace summond::answer
