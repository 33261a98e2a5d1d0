// `limits:`, and `standby:` of a service.
#pragma once

#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

void read_limits(const Value& value, service::Limits& limits);
void read_standby(const Value& value, service::Standby& standby);

}  // namespace summond::config
