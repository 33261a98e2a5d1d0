// The rules of a configuration for the zones of its image.
#pragma once

#include <cstdint>
#include <memory>

#include "summond/answer/rules.hpp"
#include "summond/config/config.hpp"
#include "summond/zone/zone.hpp"

namespace summond::net {

// Null: no service has any. places: as of answer::Rules. zones outlives them.
std::unique_ptr<answer::Rules> make_rules(const config::Config& config, const zone::Zones& zones,
                                          std::uint32_t places);

}  // namespace summond::net
