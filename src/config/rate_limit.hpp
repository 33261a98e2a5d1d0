// The mapping `rate_limit`.
#pragma once

#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

void read_rate_limit(const Value& value, RateLimit& limit);

}  // namespace summond::config
