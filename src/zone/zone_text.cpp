// A zone of an image as a zone file.
#include <algorithm>
#include <string>

#include "image_records.hpp"
#include "rdata_text.hpp"
#include "record_types.hpp"
#include "summond/zone/zone.hpp"
#include "zone_data.hpp"

namespace summond::zone {

namespace {

void print_set(const std::string& owner, std::string_view wire, const image::RRset& rrset,
               const std::function<void(const std::string&)>& line) {
    each_record(wire, rrset, [&](std::uint32_t ttl, auto rdata) {
        line(owner + " " + std::to_string(ttl) + " IN " + type_to_text(rrset.type) + " " +
             rdata_to_text(rrset.type, rdata));
    });
}

std::string_view node_name(const image::Node& node) {
    return {reinterpret_cast<const char*>(node.name()), node.name_size};
}

}  // namespace

bool print_zone(const Zones& zones, const dns::Name& apex,
                const std::function<void(const std::string&)>& line) {
    dns::FoldedName folded;
    folded.assign(apex.wire());
    const auto found = zones.find(folded);
    if (!found.exact || (found.node->flags & image::apex) == 0 ||
        zones.zone(found.node->zone).negative_soa == 0)
        return false;
    const image::Node& top = *found.node;
    print_set(apex.to_string(), node_name(top), *top.find(dns::Type::soa), line);
    const auto nodes = nodes_by_zone(zones);
    for (auto at = std::ranges::lower_bound(nodes, std::pair(top.zone, image::Ref{0}));
         at != nodes.end() && at->first == top.zone; ++at) {
        const auto& node = *zones.at<image::Node>(at->second);
        const std::string owner = to_name(node_name(node)).to_string();
        const image::RRset* rrset = node.first();
        for (unsigned i = 0; i < node.rrset_count; ++i, rrset = rrset->next())
            if (&node != &top || rrset->type != dns::Type::soa)
                print_set(owner, node_name(node), *rrset, line);
    }
    return true;
}

}  // namespace summond::zone
