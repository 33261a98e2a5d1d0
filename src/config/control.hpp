// The mapping control.
#pragma once

#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

// dns: where queries are answered, over TCP, too.
void read_control(const Value& value, const Paths& paths, const std::vector<base::Endpoint>& dns,
                  Control& control);

}  // namespace summond::config
