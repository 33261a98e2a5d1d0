// `fleet:`: this host among those that serve the same zones.
#pragma once

#include <optional>

#include "paths.hpp"
#include "reader.hpp"

namespace summond::config {

std::optional<Fleet> read_fleet(const Value& value, const Paths& paths);

}  // namespace summond::config
