#include "summond/zone/records.hpp"

#include <algorithm>

#include "image_records.hpp"
#include "summond/dns/wire.hpp"
#include "zone_data.hpp"

namespace summond::zone {

ZoneNodes::ZoneNodes(const Zones& zones) : zones_(zones), nodes_(nodes_by_zone(zones)) {}

std::span<const std::pair<std::uint32_t, image::Ref>> ZoneNodes::of(std::uint32_t zone) const {
    const auto first = std::ranges::lower_bound(nodes_, std::pair(zone, image::Ref{0}));
    const auto last = std::ranges::lower_bound(first, nodes_.end(), std::pair(zone + 1, 0U));
    return {first, last};
}

std::optional<std::uint32_t> find_zone(const Zones& zones, const dns::Name& apex) {
    dns::FoldedName folded;
    folded.assign(apex.wire());
    const auto found = zones.find(folded);
    if (!found.exact || (found.node->flags & image::apex) == 0)
        return std::nullopt;
    return found.node->zone;
}

std::uint32_t serial_of(const Zones& zones, std::uint32_t zone) {
    const auto* apex = zones.at<image::Node>(zones.zone(zone).apex);
    const image::RRset* soa = apex->find(dns::Type::soa);
    return dns::get32(soa->records() + soa->size - serial_before_end);
}

ZoneSets::ZoneSets(const ZoneNodes& nodes, std::uint32_t zone) : nodes_(nodes), zone_(zone) {}

void ZoneSets::read(const image::Node& node, const image::RRset& rrset, RecordSet& set) const {
    set.owner = {node.name(), node.name_size};
    set.type = rrset.type;
    set.records.clear();
    set.octets.clear();
    const std::string_view owner(reinterpret_cast<const char*>(node.name()), node.name_size);
    each_record(owner, rrset, [&set](std::uint32_t ttl, std::span<const std::uint8_t> rdata) {
        set.records.push_back({ttl, set.octets.size(), rdata.size()});
        set.octets.insert(set.octets.end(), rdata.begin(), rdata.end());
    });
}

bool ZoneSets::next(RecordSet& set) {
    const Zones& zones = nodes_.zones();
    const auto* apex = zones.at<image::Node>(zones.zone(zone_).apex);
    if (!begun_) {
        begun_ = true;
        read(*apex, *apex->find(dns::Type::soa), set);
        return true;
    }
    const auto nodes = nodes_.of(zone_);
    while (node_ < nodes.size()) {
        const auto& node = *zones.at<image::Node>(nodes[node_].second);
        if (done_ == node.rrset_count) {
            ++node_;
            done_ = 0;
            rrset_ = nullptr;
            continue;
        }
        rrset_ = rrset_ == nullptr ? node.first() : rrset_->next();
        ++done_;
        if (&node == apex && rrset_->type == dns::Type::soa)
            continue;
        read(node, *rrset_, set);
        return true;
    }
    return false;
}

}  // namespace summond::zone
