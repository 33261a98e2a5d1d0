// Reads the zones of a configuration.
#pragma once

#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

// The zones that have a usable name; complete is false when some have not.
struct Zones {
    std::vector<Zone> zones;
    bool complete = true;
};
Zones read_zones(const Value& value, const Paths& paths);

}  // namespace summond::config
