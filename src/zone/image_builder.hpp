// Writes the image that include/summond/zone/image.hpp describes.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "summond/config/config.hpp"
#include "zone_data.hpp"
#include "zone_index.hpp"

namespace summond::zone {

// Zones are finished and valid. Sets Owner::node of each.
std::vector<std::uint8_t> build_image(std::deque<ZoneData>& zones, const ZoneIndex& index,
                                      const std::vector<config::Service>& services);

}  // namespace summond::zone
