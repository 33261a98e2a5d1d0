// What role signer signs with: of each zone with names that are signed when they are asked for, the
// keys that do that now, and for how long. From the loader, in memory.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/dns/name.hpp"
#include "summond/sign/private_key.hpp"

namespace summond::sign {

struct OnlineKey {
    std::uint16_t tag = 0;
    std::uint8_t algorithm = 0;
    Secret secret;  // PrivateKey::secret
};

// Times are in seconds: config::Dnssec.
struct OnlineZone {
    // While a key takes over from another one, both sign (RFC 7583 §3.3.1).
    static constexpr std::size_t max_keys = 2;

    dns::Name apex;
    std::int64_t lifetime = 0;
    std::int64_t jitter = 0;
    std::int64_t refresh = 0;  // how long before its end a signature is made anew
    std::vector<OnlineKey> keys;
};

Secret pack(const std::vector<OnlineZone>& zones);
// Errors: it is not what pack has made.
base::Result<std::vector<OnlineZone>> unpack_online(std::string_view packed);

}  // namespace summond::sign
