#include "control_texts.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace summond::roles {
namespace {

// Of an SOA RRset: the five numbers that its RDATA ends with begin with it, RFC 1035 §3.3.13.
std::uint32_t serial_of(const zone::image::RRset& soa) {
    const std::uint8_t* const at = soa.records() + soa.size - 5 * 4;
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
           at[3];
}

}  // namespace

std::vector<control::ServiceText> texts_of(const config::Config& config) {
    std::vector<control::ServiceText> texts;
    const service::Template* named = config.services.data();
    for (const service::Template& service : config.services) {
        // A service's replicas follow the first one, and have its names.
        if (!service.replicas || service.replicas->number == 0)
            named = &service;
        control::ServiceText text{service.id, service.name,       {},
                                  {},         service.memory_kib, service.standby.count};
        for (const dns::Name& name : named->names)
            text.names.push_back(name.to_string());
        for (const auto* addresses : {&service.ipv4, &service.ipv6})
            for (const base::IpAddress& address : *addresses)
                text.addresses.push_back(address.to_string());
        if (service.pattern) {
            for (const service::Pattern::Name& name : service.pattern->names)
                text.names.push_back(name.to_string());
            text.addresses.push_back(service.pattern->addresses->prefix().to_string());
        }
        texts.push_back(std::move(text));
    }
    return texts;
}

control::ZoneText text_of(const zone::Zones& zones, std::uint32_t zone) {
    const zone::image::ZoneRecord& record = zones.zone(zone);
    const auto& apex = *zones.at<zone::image::Node>(record.apex);
    control::ZoneText text{"", {}, record.chain != 0, record.chain != 0 && record.content != 0};
    if (record.signed_until != 0)
        text.signed_until.emplace(std::chrono::seconds(record.signed_until));
    if (const auto name = dns::Name::from_wire({apex.name(), apex.name_size}))
        text.name = name->to_string();
    if (const auto* const soa = apex.find(dns::Type::soa);
        record.negative_soa != 0 && soa != nullptr)
        text.serial = serial_of(*soa);
    return text;
}

std::vector<control::ZoneText> texts_of(const zone::Zones& zones) {
    std::vector<control::ZoneText> texts;
    for (std::uint32_t i = 0; i < zones.header().zone_count; ++i)
        texts.push_back(text_of(zones, i));
    std::ranges::sort(texts, {}, &control::ZoneText::name);
    return texts;
}

}  // namespace summond::roles
