#include "image_builder.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>
#include <stdexcept>

#include "large_memory.hpp"
#include "rrset_writer.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

std::uint32_t label_count(std::string_view name) {
    std::uint32_t count = 0;
    for (; name[0] != '\0'; name = parent_of(name))
        ++count;
    return count;
}

class ImageBuilder {
  public:
    ImageBuilder(std::deque<ZoneData>& zones, const ZoneIndex& index,
                 const std::vector<config::Service>& services)
        : zones_(zones), index_(index), services_(services) {}

    std::vector<std::uint8_t> build();

  private:
    // A Ref that is filled in when all nodes have their place.
    struct PendingTarget {
        std::size_t at;
        std::uint32_t zone;
        dns::Name name;
    };

    void collect_names_above_zones();
    std::size_t count_nodes() const;
    std::size_t expected_size(std::size_t nodes) const;
    void reserve_tables(std::size_t nodes);
    image::Ref append_node(const image::Node& node, std::string_view name);
    void append_zone(std::uint32_t zone);
    void append_owner(std::uint32_t zone, Owner& owner);
    void append_negative_soa(std::uint32_t zone);
    void link_zone(std::uint32_t zone);
    void fill_target(const PendingTarget& target);
    void insert_slot(image::Ref node);
    void fill_slots();

    image::Ref here() const {
        const std::size_t ref = bytes_.size() / image::unit;
        if (ref >= image::none)
            throw std::length_error("zones of more than 32 GiB");
        return static_cast<image::Ref>(ref);
    }
    template <typename T>
    T* at(image::Ref ref) {
        return reinterpret_cast<T*>(bytes_.data() + image::unit * std::size_t{ref});
    }
    image::ZoneRecord& record(std::uint32_t zone) {
        return at<image::ZoneRecord>(header_.zones)[zone];
    }
    // Whether name's data in `zone` is hidden by a zone nested in it. The apex of a zone directly
    // below is not: it is the parent's side of that zone.
    bool hidden(std::uint32_t zone, std::string_view name) const {
        const std::uint32_t closest = index_.find(name);
        const bool parent_side =
            view(zones_[closest].apex()) == name && index_.find_parent(name) == zone;
        return closest != zone && !parent_side;
    }

    std::deque<ZoneData>& zones_;
    const ZoneIndex& index_;
    const std::vector<config::Service>& services_;
    std::set<std::string> above_;  // names above all zones
    std::vector<bool> has_nested_;
    std::vector<PendingTarget> targets_;
    // Nodes without a slot yet: the memory that their slots are in is asked for first, and comes
    // while the next ones are written.
    struct PendingSlot {
        std::uint64_t hash;
        image::Ref node;
    };
    std::array<PendingSlot, 32> slots_;
    std::size_t slot_count_ = 0;
    std::vector<std::uint8_t> bytes_;
    image::Header header_{};
};

void ImageBuilder::collect_names_above_zones() {
    has_nested_.resize(zones_.size());
    for (const ZoneData& zone : zones_) {
        const std::string_view apex = view(zone.apex());
        if (const auto parent = index_.find_parent(apex); parent != image::none)
            has_nested_[parent] = true;
        else
            for (std::string_view name = apex; name.size() > 1;)
                above_.emplace(name = parent_of(name));
    }
    if (zones_.empty())
        above_.emplace(1, '\0');
}

std::size_t ImageBuilder::count_nodes() const {
    std::size_t count = above_.size();
    for (const ZoneData& zone : zones_)
        count += zone.owners.size();
    return count;
}

// About that, without the slots: what is not used is not touched, what is missing is added.
std::size_t ImageBuilder::expected_size(std::size_t nodes) const {
    constexpr std::size_t usual_name = 32;
    constexpr std::size_t record_overhead = 12;
    std::size_t size = nodes * (sizeof(image::Node) + usual_name);
    for (const ZoneData& zone : zones_)
        size += zone.records.size() * (sizeof(image::RRset) + record_overhead + image::unit) +
                zone.rdata_size();
    return size;
}

void ImageBuilder::reserve_tables(std::size_t nodes) {
    const std::size_t slots = std::bit_ceil(nodes + nodes / 2 + 1);
    if (slots > image::none)
        throw std::length_error("more than 2,800,000,000 names");
    header_.magic = image::magic;
    header_.slot_mask = static_cast<std::uint32_t>(slots - 1);
    header_.zone_count = static_cast<std::uint32_t>(zones_.size());
    header_.service_count = static_cast<std::uint32_t>(services_.size());
    if (::getrandom(&header_.seed, sizeof header_.seed, 0) != sizeof header_.seed)
        throw std::runtime_error("getrandom failed");
    reserve_large(bytes_, expected_size(nodes) + slots * sizeof(image::Slot));
    bytes_.resize(sizeof(image::Header));
    header_.slots = here();
    bytes_.resize(bytes_.size() + slots * sizeof(image::Slot));
    header_.zones = here();
    bytes_.resize(bytes_.size() + zones_.size() * sizeof(image::ZoneRecord));
    header_.services = here();
    for (const config::Service& service : services_)
        append(bytes_, service.id);
}

image::Ref ImageBuilder::append_node(const image::Node& node, std::string_view name) {
    const image::Ref ref = here();
    append(bytes_, node);
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    pad(bytes_, image::unit);
    header_.max_labels = std::max(header_.max_labels, label_count(name));
    return ref;
}

void ImageBuilder::append_owner(std::uint32_t zone, Owner& owner) {
    ZoneData& data = zones_[zone];
    const auto all = data.records_of(owner);
    image::Node node{};
    node.zone = zone;
    node.service = owner.service;
    node.flags = owner.flags;
    node.name_size = static_cast<std::uint8_t>(owner.name.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        node.rrset_count = static_cast<std::uint16_t>(node.rrset_count +
                                                      (i == 0 || all[i].type != all[i - 1].type));
    owner.node = append_node(node, owner.name);
    for (std::size_t first = 0; first < all.size();) {
        const auto set = data.records_of(owner, all[first].type);
        write_rrset(data, owner.name, set, set[0].ttl, bytes_,
                    [&](std::size_t position, std::string_view target) {
                        targets_.push_back({position, zone, to_name(target)});
                    });
        first += set.size();
    }
}

void ImageBuilder::append_negative_soa(std::uint32_t zone) {
    const ZoneData& data = zones_[zone];
    const auto soa = data.records_of(data.owners[0], dns::Type::soa);
    const auto rdata = data.rdata(soa[0]);
    const std::uint32_t minimum = dns::get32(&rdata[rdata.size() - 4]);
    record(zone).negative_soa = here();
    write_rrset(data, data.owners[0].name, soa, std::min(soa[0].ttl, minimum), bytes_, {});
}

void ImageBuilder::append_zone(std::uint32_t zone) {
    for (Owner& owner : zones_[zone].owners) {
        const bool nested = has_nested_[zone];
        if (nested && hidden(zone, owner.name))
            continue;
        append_owner(zone, owner);
        if (nested && index_.find(owner.name) != zone)
            record(index_.find(owner.name)).parent_side = owner.node;
        else
            insert_slot(owner.node);
    }
    record(zone).apex = zones_[zone].owners[0].node;
    append_negative_soa(zone);
}

void ImageBuilder::link_zone(std::uint32_t zone) {
    const auto& owners = zones_[zone].owners;
    const auto ref = [&](std::uint32_t owner) {
        return owner == image::none ? 0 : owners[owner].node;
    };
    for (const Owner& owner : owners) {
        if (owner.node == 0)
            continue;
        auto* node = at<image::Node>(owner.node);
        node->cut = ref(owner.cut);
        node->wildcard = ref(owner.wildcard);
    }
}

// Addresses for referrals come from the delegating zone or a zone nested in it, never from a zone
// beside or above, whose data a resolver would not believe here.
void ImageBuilder::fill_target(const PendingTarget& target) {
    if (!target.name.is_at_or_below(zones_[target.zone].apex()))
        return;
    const ZoneData& zone = zones_[index_.find(view(target.name))];
    if (const auto owner = zone.find(view(target.name)); owner != image::none)
        std::memcpy(&bytes_[target.at], &zone.owners[owner].node, sizeof(image::Ref));
}

void ImageBuilder::insert_slot(image::Ref ref) {
    const auto* node = at<image::Node>(ref);
    const std::uint64_t hash = image::hash(node->name(), node->name_size, header_.seed);
    __builtin_prefetch(at<image::Slot>(header_.slots) +
                       (static_cast<std::uint32_t>(hash) & header_.slot_mask));
    slots_[slot_count_++] = {hash, ref};
    if (slot_count_ == slots_.size())
        fill_slots();
}

void ImageBuilder::fill_slots() {
    auto* slots = at<image::Slot>(header_.slots);
    for (const PendingSlot& pending : std::span(slots_).first(slot_count_)) {
        auto i = static_cast<std::uint32_t>(pending.hash) & header_.slot_mask;
        while (slots[i].node != 0)
            i = (i + 1) & header_.slot_mask;
        slots[i] = {static_cast<std::uint32_t>(pending.hash >> 32), pending.node};
        ++header_.node_count;
    }
    slot_count_ = 0;
}

std::vector<std::uint8_t> ImageBuilder::build() {
    collect_names_above_zones();
    reserve_tables(count_nodes());
    image::Node above{};
    above.zone = image::none;
    above.service = image::none;
    for (const std::string& name : above_) {
        above.name_size = static_cast<std::uint8_t>(name.size());
        insert_slot(append_node(above, name));
    }
    for (std::uint32_t zone = 0; zone < zones_.size(); ++zone)
        append_zone(zone);
    for (std::uint32_t zone = 0; zone < zones_.size(); ++zone)
        link_zone(zone);
    fill_slots();
    for (const PendingTarget& target : targets_)
        fill_target(target);
    header_.size = bytes_.size();
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    return std::move(bytes_);
}

}  // namespace

std::vector<std::uint8_t> build_image(std::deque<ZoneData>& zones, const ZoneIndex& index,
                                      const std::vector<config::Service>& services) {
    return ImageBuilder(zones, index, services).build();
}

}  // namespace summond::zone
