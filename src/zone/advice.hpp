// Warnings of what can be served as it stands and yet does not work for those who ask.
#pragma once

#include <cstdint>

#include "zone_data.hpp"
#include "zone_index.hpp"

namespace summond::zone {

// `number`: of the zone in the index, where names of other zones are told from its own. It is
// finished and valid. Of what is right nothing is said.
void advise(const ZoneData& zone, std::uint32_t number, const ZoneIndex& index, Report& report);

}  // namespace summond::zone
