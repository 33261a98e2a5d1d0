#include "older_zone.hpp"

#include <algorithm>

#include "image_records.hpp"
#include "signing.hpp"

namespace summond::zone {

using dns::Type;

std::optional<std::uint32_t> OlderZones::find(const dns::Name& apex) const {
    dns::FoldedName folded;
    folded.assign(apex.wire());
    const auto found = image_.find(folded);
    if (!found.exact || (found.node->flags & image::apex) == 0 ||
        image_.zone(found.node->zone).negative_soa == 0)
        return std::nullopt;
    return found.node->zone;
}

bool OlderZones::restore(ZoneData& zone, Where where, bool bare) {
    const auto index = find(zone.apex());
    if (!index)
        return false;
    const image::ZoneRecord& record = image_.zone(*index);
    const bool signed_here = record.content != 0 && record.chain != 0;
    zone.signed_here = signed_here && !bare;
    zone.content = record.content;
    if (const image::Chain* const chain = image_.chain(*index); chain != nullptr && !bare)
        zone.chain.compact = chain->compact != 0;
    if (nodes_.empty())
        nodes_ = nodes_by_zone(image_);
    for (auto at = std::ranges::lower_bound(nodes_, std::pair(*index, image::Ref{0}));
         at != nodes_.end() && at->first == *index; ++at) {
        const auto& node = *image_.at<image::Node>(at->second);
        const std::string_view name(reinterpret_cast<const char*>(node.name()), node.name_size);
        const image::RRset* rrset = node.first();
        for (unsigned i = 0; i < node.rrset_count; ++i, rrset = rrset->next()) {
            const bool address = rrset->type == Type::a || rrset->type == Type::aaaa;
            const bool of_service =
                (address && node.service != image::none) ||
                (rrset->type == Type::ptr && (node.flags & image::service_pointer) != 0);
            const bool of_signing = bare && signed_here && is_made_by_signing(rrset->type);
            if (!of_service && !of_signing)
                each_record(name, *rrset, [&](std::uint32_t ttl, auto rdata) {
                    zone.add(zone.owner(name, where), rrset->type, ttl, rdata, where);
                });
        }
    }
    return true;
}

}  // namespace summond::zone
