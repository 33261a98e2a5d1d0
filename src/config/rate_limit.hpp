// What one client may take: the mappings `rate_limit`, `tcp` and `signing`.
#pragma once

#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

void read_rate_limit(const Value& value, RateLimit& limit);
void read_tcp(const Value& value, Tcp& tcp);
void read_signing(const Value& value, OnlineSigning& signing);

}  // namespace summond::config
