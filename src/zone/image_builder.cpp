#include "image_builder.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>
#include <span>
#include <stdexcept>

#include "large_memory.hpp"
#include "rrset_writer.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

std::uint32_t label_count(std::string_view name) {
    std::uint32_t count = 0;
    for (; name[0] != '\0'; name = parent_of(name))
        ++count;
    return count;
}

std::size_t slots_for(std::size_t nodes) {
    return std::bit_ceil(nodes + nodes / 2 + 1);
}

}  // namespace

ImageBuilder::ImageBuilder(const config::Config& config, const ZoneIndex& index) : index_(index) {
    header_.magic = image::magic;
    header_.zone_count = static_cast<std::uint32_t>(config.zones.size());
    header_.service_count = static_cast<std::uint32_t>(config.services.size());
    header_.transfer_count = static_cast<std::uint32_t>(std::ranges::count_if(
        config.zones, [](const config::Zone& zone) { return zone.transfer.has_value(); }));
    if (::getrandom(&header_.seed, sizeof header_.seed, 0) != sizeof header_.seed)
        throw std::runtime_error("getrandom failed");
    bytes_.resize(sizeof(image::Header));
    header_.zones = here();
    bytes_.resize(bytes_.size() + config.zones.size() * sizeof(image::ZoneRecord));
    header_.services = here();
    for (const service::Template& service : config.services)
        append_object(bytes_, service.id);
    add_names_above_zones(config.zones);
}

image::Ref ImageBuilder::here() const {
    const std::size_t ref = bytes_.size() / image::unit;
    if (ref >= image::none)
        throw std::length_error("zones of more than 32 GiB");
    return static_cast<image::Ref>(ref);
}

bool ImageBuilder::hidden(std::uint32_t zone, std::string_view name) const {
    const bool parent_side = index_.has_apex(name) && index_.find_parent(name) == zone;
    return index_.find(name) != zone && !parent_side;
}

void ImageBuilder::add_names_above_zones(const std::vector<config::Zone>& zones) {
    std::set<std::string_view> above;
    has_nested_.resize(zones.size());
    for (const config::Zone& zone : zones) {
        const std::string_view apex = view(zone.name);
        if (const auto parent = index_.find_parent(apex); parent != image::none)
            has_nested_[parent] = true;
        else
            for (std::string_view name = apex; name.size() > 1;)
                above.insert(name = parent_of(name));
    }
    if (zones.empty())
        above.emplace("\0", 1);
    image::Node node{};
    node.zone = image::none;
    node.service = image::none;
    for (const std::string_view name : above) {
        node.name_size = static_cast<std::uint8_t>(name.size());
        nodes_.push_back(append_node(node, name));
    }
}

// About what a large zone needs, slots and all: what is not used is not touched, what is missing is
// added.
void ImageBuilder::make_room(const ZoneData& data) {
    constexpr std::size_t worth_it = 1 << 20;
    constexpr std::size_t usual_name = 32;
    constexpr std::size_t record_overhead = 12;
    const std::size_t size =
        data.owners.size() * (sizeof(image::Node) + usual_name) +
        data.records.size() * (sizeof(image::RRset) + record_overhead + image::unit) +
        data.rdata_size();
    if (size < worth_it)
        return;
    nodes_.reserve(nodes_.size() + data.owners.size());
    const std::size_t needed =
        bytes_.size() + size + slots_for(nodes_.size() + data.owners.size()) * sizeof(image::Slot);
    if (needed > bytes_.capacity())
        reserve_large(bytes_, std::max(needed, bytes_.capacity() * 3 / 2));
}

image::Ref ImageBuilder::append_node(const image::Node& node, std::string_view name) {
    const image::Ref ref = here();
    append_object(bytes_, node);
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    pad(bytes_, image::unit);
    header_.max_labels = std::max(header_.max_labels, label_count(name));
    return ref;
}

void ImageBuilder::append_owner(std::uint32_t zone, ZoneData& data, Owner& owner) {
    const auto all = data.records_of(owner);
    image::Node node{};
    node.zone = zone;
    node.service = owner.service;
    node.flags = owner.flags;
    node.name_size = static_cast<std::uint8_t>(owner.name.size());
    owner.node = append_node(node, owner.name);
    std::vector<Record> signatures;
    for (std::size_t first = 0; first < all.size();) {
        const auto set = data.records_of(owner, all[first].type);
        first += set.size();
        if (data.is_signed() && set[0].type == dns::Type::rrsig)
            continue;  // written behind what they cover
        if (data.is_signed())
            signatures = data.signatures_of(owner, set[0].type);
        node.rrset_count =
            static_cast<std::uint16_t>(node.rrset_count + (signatures.empty() ? 1 : 2));
        write_set(owner.name, set, signatures, set[0].ttl, data,
                  [&](std::size_t position, std::string_view target) {
                      add_target(zone, data, position, target);
                  });
    }
    at<image::Node>(owner.node)->rrset_count = node.rrset_count;
}

// Signatures have the TTL of what they cover (RFC 4034 §3).
void ImageBuilder::write_set(std::string_view owner, std::span<const Record> set,
                             std::span<const Record> signatures, std::uint32_t ttl,
                             const ZoneData& data,
                             const std::function<void(std::size_t, std::string_view)>& target) {
    write_rrset(data, owner, set, ttl, !signatures.empty(), bytes_, target);
    if (!signatures.empty())
        write_rrset(data, owner, signatures, ttl, false, bytes_, {});
}

// Addresses for referrals come from the delegating zone or a zone nested in it, never from a zone
// beside or above, whose data a resolver would not believe here.
void ImageBuilder::add_target(std::uint32_t zone, const ZoneData& data, std::size_t at,
                              std::string_view name) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return static_cast<char>(dns::fold(static_cast<std::uint8_t>(c)));
    });
    if (!is_at_or_below(lower, view(data.apex())))
        return;
    const std::uint32_t owner_zone = index_.find(lower);
    (owner_zone == zone ? of_zone_ : targets_).push_back({at, owner_zone, std::move(lower)});
}

void ImageBuilder::append_negative_soa(std::uint32_t zone, const ZoneData& data) {
    const auto soa = data.records_of(data.owners[0], dns::Type::soa);
    if (soa.empty()) {
        ++header_.unloaded_zone_count;
        return;
    }
    const auto rdata = data.rdata(soa[0]);
    const std::uint32_t minimum = dns::get32(&rdata[rdata.size() - 4]);
    record(zone).negative_soa = here();
    write_set(data.owners[0].name, soa, data.signatures_of(data.owners[0], dns::Type::soa),
              std::min(soa[0].ttl, minimum), data, {});
}

void ImageBuilder::link_owners(const ZoneData& data) {
    const auto ref = [&](std::uint32_t owner) {
        return owner == image::none ? 0 : data.owners[owner].node;
    };
    for (const Owner& owner : data.owners) {
        if (owner.node == 0)
            continue;
        auto* node = at<image::Node>(owner.node);
        node->cut = ref(owner.cut);
        node->wildcard = ref(owner.wildcard);
        node->denial = ref(owner.denial);
    }
    for (const DenialChain::Link& link : data.chain.links) {
        if (data.chain.hashed)
            at<image::Node>(data.owners[link.owner].node)->wildcard = ref(link.wildcard);
    }
    for (const PendingTarget& target : of_zone_) {
        if (const auto owner = data.find(target.name); owner != image::none)
            std::memcpy(&bytes_[target.at], &data.owners[owner].node, sizeof(image::Ref));
    }
    of_zone_.clear();
}

void ImageBuilder::append_chain(std::uint32_t zone, const ZoneData& data) {
    const DenialChain& chain = data.chain;
    if (chain.links.empty())
        return;
    record(zone).chain = here();
    append_object(bytes_,
                  image::Chain{static_cast<std::uint32_t>(chain.links.size()), chain.iterations,
                               static_cast<std::uint8_t>(chain.salt.size()), chain.hashed,
                               label_count(view(data.apex())), chain.compact ? 1U : 0U});
    if (chain.compact)
        ++header_.compact_count;
    bytes_.insert(bytes_.end(), chain.salt.begin(), chain.salt.end());
    pad(bytes_, image::unit);
    for (const DenialChain::Link& link : chain.links)
        append_object(bytes_, link.key);
    for (const DenialChain::Link& link : chain.links)
        append_object(bytes_, data.owners[link.owner].node);
    pad(bytes_, image::unit);
}

void ImageBuilder::add(std::uint32_t zone, ZoneData& data) {
    make_room(data);
    const bool nested = has_nested_[zone];
    for (std::size_t i = 0; i < data.owners.size(); ++i) {
        Owner& owner = data.owners[i];
        // A name that nobody can ask for may be one that others are denied by.
        const bool links = owner.denial == i;
        const bool hashed = (owner.flags & image::hashed) != 0;
        if (hashed || (nested && hidden(zone, owner.name))) {
            if (links)
                append_owner(zone, data, owner);
            continue;
        }
        append_owner(zone, data, owner);
        if (nested && index_.find(owner.name) != zone)
            record(index_.find(owner.name)).parent_side = owner.node;
        else
            nodes_.push_back(owner.node);
    }
    record(zone).apex = data.owners[0].node;
    record(zone).content = data.content;
    record(zone).signed_until = data.signed_until;
    append_negative_soa(zone, data);
    link_owners(data);
    append_chain(zone, data);
}

// The memory that slots are in is asked for first, and comes while others are filled in.
void ImageBuilder::fill_slots() {
    struct Pending {
        std::uint64_t hash;
        image::Ref node;
    };
    const std::size_t count = slots_for(nodes_.size());
    if (count > image::none)
        throw std::length_error("more than 2,800,000,000 names");
    header_.slot_mask = static_cast<std::uint32_t>(count - 1);
    header_.node_count = static_cast<std::uint32_t>(nodes_.size());
    header_.slots = here();
    bytes_.resize(bytes_.size() + count * sizeof(image::Slot));
    auto* const slots = at<image::Slot>(header_.slots);
    std::array<Pending, 32> pending;
    for (std::size_t done = 0; done < nodes_.size();) {
        const std::size_t batch = std::min(pending.size(), nodes_.size() - done);
        for (std::size_t i = 0; i < batch; ++i) {
            const auto* node = at<image::Node>(nodes_[done + i]);
            pending[i] = {image::hash(node->name(), node->name_size, header_.seed),
                          nodes_[done + i]};
            __builtin_prefetch(slots +
                               (static_cast<std::uint32_t>(pending[i].hash) & header_.slot_mask));
        }
        for (const Pending& name : std::span(pending).first(batch)) {
            auto i = static_cast<std::uint32_t>(name.hash) & header_.slot_mask;
            while (slots[i].node != 0)
                i = (i + 1) & header_.slot_mask;
            slots[i] = {static_cast<std::uint32_t>(name.hash >> 32), name.node};
        }
        done += batch;
    }
}

image::Ref ImageBuilder::find_node(std::string_view name) const {
    dns::FoldedName folded;
    folded.assign({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
    const std::uint64_t hash = image::hash(folded.wire.data(), folded.size, header_.seed);
    const auto* slots = at<image::Slot>(header_.slots);
    for (auto i = static_cast<std::uint32_t>(hash) & header_.slot_mask; slots[i].node != 0;
         i = (i + 1) & header_.slot_mask) {
        const auto* node = at<image::Node>(slots[i].node);
        if (node->name_size == name.size() &&
            std::memcmp(node->name(), name.data(), name.size()) == 0)
            return slots[i].node;
    }
    return 0;
}

void ImageBuilder::fill_pending_targets() {
    for (const PendingTarget& target : targets_) {
        const image::Ref node = find_node(target.name);
        if (node != 0 && at<image::Node>(node)->zone == target.zone)
            std::memcpy(&bytes_[target.at], &node, sizeof node);
    }
}

std::vector<std::uint8_t> ImageBuilder::finish() {
    fill_slots();
    fill_pending_targets();
    header_.size = bytes_.size();
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    return std::move(bytes_);
}

}  // namespace summond::zone
