// Refuses what cannot be served as it is written.
#pragma once

#include "report.hpp"
#include "zone_data.hpp"

namespace summond::zone {

// zone is finished. complete: every record of it could be read, so that what is missing is missing.
void validate(const ZoneData& zone, bool complete, Report& report);

}  // namespace summond::zone
