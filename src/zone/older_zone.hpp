// A zone as an older image has it, for when its file cannot be loaded any more.
#pragma once

#include <cstdint>
#include <optional>

#include "image_records.hpp"
#include "summond/zone/zone.hpp"
#include "zone_data.hpp"

namespace summond::zone {

class OlderZones {
  public:
    // The image must outlive this.
    explicit OlderZones(const Zones& image) : image_(image) {}

    const Zones& image() const { return image_; }
    // A zone that the image could load; none: there is none of this name.
    std::optional<std::uint32_t> find(const dns::Name& apex) const;

    // Fills an empty zone with the records that the image has for it, but for those that were made
    // for services; they are said to come from `where`. False: the image has no such zone, or could
    // not load it either.
    // bare: of one that was signed here, without what signing has put there.
    bool restore(ZoneData& zone, Where where, bool bare);

  private:
    const Zones& image_;
    NodesByZone nodes_;  // listed when the first zone is asked for
};

}  // namespace summond::zone
