// Services and zones as people recognise them, out of what control is handed.
#pragma once

#include <vector>

#include "summond/config/config.hpp"
#include "summond/control/model.hpp"
#include "summond/zone/zone.hpp"

namespace summond::roles {

std::vector<control::ServiceText> texts_of(const config::Config& config);
control::ZoneText text_of(const zone::Zones& zones, std::uint32_t zone);
// By name.
std::vector<control::ZoneText> texts_of(const zone::Zones& zones);

}  // namespace summond::roles
