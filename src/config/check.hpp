// What can only be wrong between the parts of a configuration: names and addresses given out twice,
// names outside the zones.
#pragma once

#include <vector>

#include "problems.hpp"
#include "service.hpp"
#include "zone.hpp"

namespace summond::config {

void check_zones(const Zones& zones, Problems& problems);
void check_services(const std::vector<ServiceDraft>& drafts, const Zones& zones,
                    const std::vector<base::Endpoint>& listen, Problems& problems);

}  // namespace summond::config
