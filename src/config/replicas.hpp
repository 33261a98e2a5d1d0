// Reads `replicas`: several domains of one service.
#pragma once

#include <string>
#include <vector>

#include "service.hpp"

namespace summond::config {

void read_replicas(const Value& value, ServiceDraft& draft);
// The service, which is read but not complete, as each of its domains; without `replicas` as it is.
std::vector<ServiceDraft> replicas_of(ServiceDraft draft, const std::string& owner,
                                      Problems& problems);

}  // namespace summond::config
