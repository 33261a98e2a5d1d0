// A zone as an older image has it, for when its file cannot be loaded any more.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "summond/zone/zone.hpp"
#include "zone_data.hpp"

namespace summond::zone {

class OlderZones {
  public:
    // The image must outlive this.
    explicit OlderZones(const Zones& image) : image_(image) {}

    // Fills an empty zone with the records that the image has for it, but for those that were made
    // for services; they are said to come from `where`. False: the image has no such zone, or could
    // not load it either.
    bool restore(ZoneData& zone, Where where);

  private:
    void list_nodes();

    const Zones& image_;
    // Zone and node, sorted; listed when the first zone is asked for.
    std::vector<std::pair<std::uint32_t, image::Ref>> nodes_;
};

}  // namespace summond::zone
