// Warnings of what can be served as it stands and yet does not work for those who ask.
#pragma once

#include <cstdint>
#include <span>

#include "summond/service/pattern.hpp"
#include "zone_data.hpp"
#include "zone_index.hpp"

namespace summond::zone {

// Names by rule in a zone.
struct Rule {
    const service::Pattern* pattern;
    const service::Pattern::Name* name;
};

// `number`: of the zone in the index, where names of other zones are told from its own. It is
// finished and valid; `rules`: of the zone. Of what is right nothing is said.
void advise(const ZoneData& zone, std::uint32_t number, const ZoneIndex& index,
            std::span<const Rule> rules, Report& report);

}  // namespace summond::zone
