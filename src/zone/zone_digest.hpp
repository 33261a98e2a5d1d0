// Digests of whole zones (ZONEMD, RFC 8976).
#pragma once

#include "report.hpp"
#include "zone_data.hpp"

namespace summond::zone {

// Whether the zone, as far as it has been read, is what a digest at its apex says; errors say which
// is not. That there is none, or none of a kind that is known here, is no error.
void check_digest(const ZoneData& zone, Report& report);

// Takes away the digest of a zone that is not served as it was read.
void drop_digest(ZoneData& zone);

}  // namespace summond::zone
