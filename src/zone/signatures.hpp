// Whether the signatures of a zone are there and right.
#pragma once

#include <cstddef>
#include <cstdint>

#include "report.hpp"
#include "zone_data.hpp"

namespace summond::zone {

struct SignatureCheck {
    std::int64_t now;  // Unix time, seconds
    // How many signatures may still be verified by computation, which takes some 0.1 ms each. Of
    // others only the fields are checked.
    std::size_t computations;
    // Whether signatures that are out of their time are errors, not warnings.
    bool refuse_times;
};

// Of a finished zone that has signatures: each RRset that is the zone's own has one that is valid
// now, by a key that is at the apex; errors say which has not. Warns when the first run out soon.
// Of those that ran out or are not valid yet, one message tells for all. Sets
// ZoneData::signed_until.
void check_signatures(ZoneData& zone, SignatureCheck& check, Report& report);

}  // namespace summond::zone
