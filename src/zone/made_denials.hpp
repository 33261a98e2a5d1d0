// The chain of NSEC or NSEC3 records of a zone that is signed here.
#pragma once

#include "zone_data.hpp"

namespace summond::zone {

// Of a zone that has all its other records but RRSIG, finished: adds the records; not finished
// afterwards.
void add_nsec(ZoneData& zone);
// The same without a chain: each is about its own name only, empty non-terminals too (RFC 9824).
void add_compact_nsec(ZoneData& zone);
// Without salt, iterations and opt-out (RFC 9276). The apex has the NSEC3PARAM record.
void add_nsec3(ZoneData& zone);

}  // namespace summond::zone
