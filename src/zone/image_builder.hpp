// Writes the image that include/summond/zone/image.hpp describes, zone by zone: of all zones there
// is never more in memory than the image and the zone at hand.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/config/config.hpp"
#include "summond/zone/image.hpp"
#include "zone_data.hpp"
#include "zone_index.hpp"

namespace summond::zone {

class ImageBuilder {
  public:
    // The index has all zones of the configuration.
    ImageBuilder(const config::Config& config, const ZoneIndex& index);

    // Each zone once, in any order. It is finished and valid, or has no records at all: then its
    // names are answered with SERVFAIL. Sets Owner::node of each.
    void add(std::uint32_t zone, ZoneData& data);
    // image::Header::signed_at, sign_again_at.
    void set_signing(std::int64_t at, std::int64_t again_at) {
        header_.signed_at = at;
        header_.sign_again_at = again_at;
    }
    // The image; nothing may be added afterwards.
    std::vector<std::uint8_t> finish();

  private:
    // A Ref to a name of a zone nested in the one that refers to it; filled in at the end.
    struct PendingTarget {
        std::size_t at;
        std::uint32_t zone;
        std::string name;
    };

    void add_names_above_zones(const std::vector<config::Zone>& zones);
    void make_room(const ZoneData& data);
    image::Ref append_node(const image::Node& node, std::string_view name);
    void append_owner(std::uint32_t zone, ZoneData& data, Owner& owner);
    void write_set(std::string_view owner, std::span<const Record> set,
                   std::span<const Record> signatures, std::uint32_t ttl, const ZoneData& data,
                   const std::function<void(std::size_t, std::string_view)>& target);
    void append_chain(std::uint32_t zone, const ZoneData& data);
    void append_negative_soa(std::uint32_t zone, const ZoneData& data);
    void link_owners(const ZoneData& data);
    void add_target(std::uint32_t zone, const ZoneData& data, std::size_t at,
                    std::string_view name);
    void fill_slots();
    void fill_pending_targets();
    image::Ref find_node(std::string_view name) const;

    image::Ref here() const;
    template <typename T>
    T* at(image::Ref ref) {
        return reinterpret_cast<T*>(bytes_.data() + image::unit * std::size_t{ref});
    }
    template <typename T>
    const T* at(image::Ref ref) const {
        return reinterpret_cast<const T*>(bytes_.data() + image::unit * std::size_t{ref});
    }
    image::ZoneRecord& record(std::uint32_t zone) {
        return at<image::ZoneRecord>(header_.zones)[zone];
    }
    // Whether name's data in `zone` is hidden by a zone nested in it. The apex of a zone directly
    // below is not: it is the parent's side of that zone.
    bool hidden(std::uint32_t zone, std::string_view name) const;

    const ZoneIndex& index_;
    std::vector<bool> has_nested_;
    // In-zone targets of the zone at hand: they have their place when all its owners have.
    std::vector<PendingTarget> of_zone_;
    std::vector<PendingTarget> targets_;
    std::vector<image::Ref> nodes_;  // that get a slot
    std::vector<std::uint8_t> bytes_;
    image::Header header_{};
};

}  // namespace summond::zone
