#include "image_records.hpp"

#include <algorithm>

#include "summond/dns/wire.hpp"
#include "summond/zone/records.hpp"

namespace summond::zone {

namespace {

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

}  // namespace

void each_record(std::string_view owner, const image::RRset& rrset,
                 const std::function<void(std::uint32_t, std::span<const std::uint8_t>)>& use) {
    constexpr std::size_t fields_size = 12;
    const auto message = as_answer(owner, rrset);
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
        use(dns::get32(&message[record + 6]), rdata);
        record = end;
    }
}

NodesByZone nodes_by_zone(const Zones& zones) {
    NodesByZone nodes;
    const image::Header& header = zones.header();
    const auto* const slots = zones.at<image::Slot>(header.slots);
    for (std::uint32_t i = 0; i <= header.slot_mask; ++i) {
        if (slots[i].node != 0)
            nodes.emplace_back(zones.at<image::Node>(slots[i].node)->zone, slots[i].node);
    }
    for (std::uint32_t i = 0; i < header.zone_count; ++i) {
        if (const image::Ref node = zones.zone(i).parent_side; node != 0)
            nodes.emplace_back(zones.at<image::Node>(node)->zone, node);
        if (const image::Chain* chain = zones.chain(i)) {
            for (const image::Ref link : chain->nodes())
                nodes.emplace_back(i, link);
        }
    }
    std::ranges::sort(nodes);
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    return nodes;
}

}  // namespace summond::zone
