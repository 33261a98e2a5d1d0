// The network that a client is in. Limits are for networks: whoever has one address of them has the
// others, and whoever forges one forges all.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "summond/dns/wire.hpp"

namespace summond::net {

struct ClientNetwork {
    std::uint64_t bits = 0;  // the address's first octet on top; beyond the network's length zero
    bool v6 = false;
    friend auto operator<=>(const ClientNetwork&, const ClientNetwork&) = default;
};

// Lengths of networks in bits, 1 to 32 and 1 to 64.
struct NetworkLengths {
    unsigned v4 = 24;
    unsigned v6 = 56;
};

// address: 4 or 16 octets.
inline ClientNetwork network_of(std::span<const std::uint8_t> address, NetworkLengths lengths) {
    const std::uint64_t upper = std::uint64_t{dns::get32(address.data())} << 32;
    if (address.size() == 4)
        return {upper & ~std::uint64_t{0} << (64 - lengths.v4), false};
    return {(upper | dns::get32(&address[4])) & ~std::uint64_t{0} << (64 - lengths.v6), true};
}

}  // namespace summond::net
