// The records of an image, for who needs them as they were before they lay there.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "summond/zone/zone.hpp"

namespace summond::zone {

// TTL and uncompressed RDATA of each record of a set of `owner`.
void each_record(std::string_view owner, const image::RRset& rrset,
                 const std::function<void(std::uint32_t, std::span<const std::uint8_t>)>& use);

// All nodes with their zones, sorted: in a zone, in the order of the image.
using NodesByZone = std::vector<std::pair<std::uint32_t, image::Ref>>;
NodesByZone nodes_by_zone(const Zones& zones);

}  // namespace summond::zone
