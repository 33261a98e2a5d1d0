// What one client may take: the mappings `rate_limit` and `tcp`.
#pragma once

#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

void read_rate_limit(const Value& value, RateLimit& limit);
void read_tcp(const Value& value, Tcp& tcp);

}  // namespace summond::config
