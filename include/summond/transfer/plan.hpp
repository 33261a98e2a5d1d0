// Who gets which zone, with which keys: what the loader has read of it, for the role transfer. The
// secrets are in it, so nobody else is given it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/result.hpp"
#include "summond/config/config.hpp"
#include "summond/dns/name.hpp"
#include "summond/sign/tsig.hpp"

namespace summond::transfer {

struct Plan {
    struct Zone {
        dns::Name name;
        config::Transfer who;
    };
    std::vector<sign::TsigKey> keys;
    std::vector<Zone> zones;  // sorted by name
    // Where NOTIFY messages come from: the address of each family that is listened on, if it is
    // one.
    std::vector<base::IpAddress> sources;

    // Null: there is none.
    const sign::TsigKey* key(const dns::Name& name) const;
    const Zone* zone(const dns::Name& name) const;

    std::string pack() const;
    static base::Result<Plan> unpack(std::string_view bytes);
};

// Of a configuration. Reads the keys' files; what is wrong goes to problems.
Plan make_plan(const config::Config& config, std::vector<config::Problem>& problems);

// Whether a client may have the zone. key: the one that its query is signed with, or null.
bool may_have(const Plan::Zone& zone, const base::IpAddress& client, const sign::TsigKey* key);

}  // namespace summond::transfer
