// Which zone a name belongs to.
#pragma once

#include <string_view>
#include <unordered_map>

#include "summond/zone/image.hpp"

namespace summond::zone {

class ZoneIndex {
  public:
    explicit ZoneIndex(std::size_t zones) { zones_.reserve(zones); }
    // False: there is a zone of this name, which must outlive this.
    bool add(std::string_view apex, std::uint32_t zone) {
        return zones_.try_emplace(apex, zone).second;
    }
    // The closest zone at or above name; image::none if there is none.
    std::uint32_t find(std::string_view name) const {
        while (true) {
            if (const auto zone = zones_.find(name); zone != zones_.end())
                return zone->second;
            if (name.size() == 1)
                return image::none;
            name.remove_prefix(1U + static_cast<unsigned char>(name[0]));
        }
    }
    // Whether there is a zone of this name.
    bool has_apex(std::string_view name) const { return zones_.contains(name); }
    // The closest zone above the zone of this name.
    std::uint32_t find_parent(std::string_view apex) const {
        if (apex.size() == 1)
            return image::none;
        return find(apex.substr(1U + static_cast<unsigned char>(apex[0])));
    }

  private:
    std::unordered_map<std::string_view, std::uint32_t> zones_;
};

}  // namespace summond::zone
