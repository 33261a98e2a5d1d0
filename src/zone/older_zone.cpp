#include "older_zone.hpp"

#include <algorithm>

#include "rdata.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

using dns::Type;

// An RRset as the answer to a question for its owner: where its compression pointers point into.
std::vector<std::uint8_t> as_answer(std::string_view owner, const image::RRset& rrset) {
    constexpr std::size_t rest_of_question = 4;
    std::vector<std::uint8_t> message(dns::header_size);
    message.insert(message.end(), owner.begin(), owner.end());
    message.resize(message.size() + rest_of_question);
    message.insert(message.end(), rrset.records(), rrset.records() + rrset.size);
    return message;
}

// Appends the name at `at`, without compression; the position behind it.
std::size_t append_name(const std::vector<std::uint8_t>& message, std::size_t at,
                        std::vector<std::uint8_t>& rdata) {
    constexpr unsigned pointer_bits = 0xc0;
    std::size_t behind = 0;
    while (message[at] != 0) {
        if ((message[at] & pointer_bits) == pointer_bits) {
            behind = behind == 0 ? at + 2 : behind;
            at = dns::get16(&message[at]) & dns::max_pointer;
            continue;
        }
        const std::size_t label = 1U + message[at];
        rdata.insert(rdata.end(), message.begin() + static_cast<std::ptrdiff_t>(at),
                     message.begin() + static_cast<std::ptrdiff_t>(at + label));
        at += label;
    }
    rdata.push_back(0);
    return behind == 0 ? at + 1 : behind;
}

void restore_rrset(ZoneData& zone, std::uint32_t owner, const image::RRset& rrset, Where where) {
    constexpr std::size_t fields_size = 12;
    const auto message = as_answer(zone.owners[owner].name, rrset);
    const auto names = compressible_names(rrset.type);
    std::size_t record = message.size() - rrset.size;
    std::vector<std::uint8_t> rdata;
    for (unsigned i = 0; i < rrset.count; ++i) {
        std::size_t at = record + fields_size;
        const std::size_t end = at + dns::get16(&message[record + 10]);
        rdata.assign(message.begin() + static_cast<std::ptrdiff_t>(at),
                     message.begin() + static_cast<std::ptrdiff_t>(at + names.offset));
        at += names.offset;
        for (std::size_t name = 0; name < names.count; ++name)
            at = append_name(message, at, rdata);
        rdata.insert(rdata.end(), message.begin() + static_cast<std::ptrdiff_t>(at),
                     message.begin() + static_cast<std::ptrdiff_t>(end));
        zone.add(owner, rrset.type, dns::get32(&message[record + 6]), rdata, where);
        record = end;
    }
}

}  // namespace

void OlderZones::list_nodes() {
    const image::Header& header = image_.header();
    const auto* const slots = image_.at<image::Slot>(header.slots);
    for (std::uint32_t i = 0; i <= header.slot_mask; ++i) {
        if (slots[i].node != 0)
            nodes_.emplace_back(image_.at<image::Node>(slots[i].node)->zone, slots[i].node);
    }
    for (std::uint32_t i = 0; i < header.zone_count; ++i) {
        if (const image::Ref node = image_.zone(i).parent_side; node != 0)
            nodes_.emplace_back(image_.at<image::Node>(node)->zone, node);
        if (const image::Chain* chain = image_.chain(i)) {
            for (const image::Ref link : chain->nodes())
                nodes_.emplace_back(i, link);
        }
    }
    std::ranges::sort(nodes_);
    nodes_.erase(std::unique(nodes_.begin(), nodes_.end()), nodes_.end());
}

bool OlderZones::restore(ZoneData& zone, Where where) {
    dns::FoldedName apex;
    apex.assign(zone.apex().wire());
    const auto found = image_.find(apex);
    if (!found.exact || (found.node->flags & image::apex) == 0 ||
        image_.zone(found.node->zone).negative_soa == 0)
        return false;
    if (nodes_.empty())
        list_nodes();
    const std::uint32_t index = found.node->zone;
    for (auto at = std::ranges::lower_bound(nodes_, std::pair(index, image::Ref{0}));
         at != nodes_.end() && at->first == index; ++at) {
        const auto& node = *image_.at<image::Node>(at->second);
        const std::string_view name(reinterpret_cast<const char*>(node.name()), node.name_size);
        const image::RRset* rrset = node.first();
        for (unsigned i = 0; i < node.rrset_count; ++i, rrset = rrset->next()) {
            const bool address = rrset->type == Type::a || rrset->type == Type::aaaa;
            const bool of_service =
                (address && node.service != image::none) ||
                (rrset->type == Type::ptr && (node.flags & image::service_pointer) != 0);
            if (!of_service)
                restore_rrset(zone, zone.owner(name, where), *rrset, where);
        }
    }
    return true;
}

}  // namespace summond::zone
