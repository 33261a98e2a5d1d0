// How a signed zone denies the names that it has not.
#pragma once

#include "report.hpp"
#include "zone_data.hpp"

namespace summond::zone {

// Of a finished zone that has signatures: its chain of NSEC or NSEC3 records, and for each name the
// link that speaks of it. Errors: a chain that is missing or has gaps, a name that it denies, types
// other than the name has. The zone is not to be served then.
void link_denials(ZoneData& zone, Report& report);

// The next name that an NSEC record has, as it stands there.
std::span<const std::uint8_t> nsec_next(std::span<const std::uint8_t> rdata);

}  // namespace summond::zone
