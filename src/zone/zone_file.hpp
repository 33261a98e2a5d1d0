// Zone files (RFC 1035 §5) and inline record lines.
#pragma once

#include <string>

#include "summond/config/config.hpp"
#include "zone_data.hpp"

namespace summond::zone {

// $ORIGIN, $TTL (RFC 2308 §4) and $INCLUDE are known; an included file is looked for in the
// directory of the including one. A record without a TTL takes $TTL, else that of the record before
// it, else an hour.
void read_zone_file(const std::string& path, Where where, ZoneData& zone, Report& report);

// One record, or several lines of them, without directives. default_ttl: for one without a TTL.
void read_record_text(const config::RecordText& text, std::uint32_t default_ttl, ZoneData& zone,
                      Report& report);

}  // namespace summond::zone
