// The mapping control.
#pragma once

#include "paths.hpp"
#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

void read_control(const Value& value, const Paths& paths, Control& control);

}  // namespace summond::config
