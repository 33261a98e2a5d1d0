#include "trust.hpp"

#include <algorithm>

#include "summond/dns/wire.hpp"
#include "summond/sign/private_key.hpp"
#include "summond/sign/signature.hpp"

namespace summond::zone {
namespace {

// RFC 4034 §5.1.4. Of digests other than SHA-256 the key's tag and algorithm have to do.
bool names_key(sign::Bytes ds, const dns::Name& zone, sign::Bytes key) {
    constexpr std::size_t fixed = 4;
    constexpr std::uint8_t sha256 = 2;
    if (ds.size() <= fixed || key.size() <= fixed || dns::get16(ds.data()) != sign::key_tag(key) ||
        ds[2] != key[3])
        return false;
    return ds[3] != sha256 || std::ranges::equal(ds, sign::ds_rdata(zone.wire(), key));
}

// The numbers, each once.
std::string tags_text(std::vector<std::uint16_t> tags) {
    std::ranges::sort(tags);
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    std::string text;
    for (const std::uint16_t tag : tags)
        text += (text.empty() ? "" : ", ") + std::to_string(tag);
    return text;
}

}  // namespace

void Trust::add_keys(const ZoneData& zone) {
    auto& keys = keys_[zone.apex()];
    for (const Record& record : zone.records_of(zone.owners[0], dns::Type::dnskey)) {
        const auto rdata = zone.rdata(record);
        keys.emplace_back(rdata.begin(), rdata.end());
    }
}

void Trust::add_ds(const ZoneData& zone, const dns::Name& below) {
    const std::uint32_t owner = zone.find(view(below));
    if (owner == image::none)
        return;
    const auto records = zone.records_of(zone.owners[owner], dns::Type::ds);
    if (records.empty())
        return;
    Delegation delegation{below, records[0].where, {}};
    for (const Record& record : records) {
        const auto rdata = zone.rdata(record);
        delegation.ds.emplace_back(rdata.begin(), rdata.end());
    }
    delegations_.push_back(std::move(delegation));
}

void Trust::check(Report& report) const {
    for (const auto& [below, where, ds] : delegations_) {
        const auto found = keys_.find(below);
        if (found == keys_.end())
            continue;  // it is not loaded
        const auto& keys = found->second;
        if (std::ranges::any_of(ds, [&](const Rdata& record) {
                return std::ranges::any_of(
                    keys, [&](const Rdata& key) { return names_key(record, found->first, key); });
            }))
            continue;
        const std::string who = below.to_string();
        std::vector<std::uint16_t> tags;
        if (keys.empty()) {
            report.warning(where, who +
                                      " has a DS record here, but is not signed: resolvers that "
                                      "validate refuse it; sign it, or take the DS record out");
            continue;
        }
        for (const Rdata& record : ds)
            tags.push_back(record.size() < 2 ? std::uint16_t{0} : dns::get16(record.data()));
        std::string what = "the DS records of " + who + " name key " + tags_text(std::move(tags));
        tags.clear();
        for (const Rdata& key : keys)
            tags.push_back(sign::key_tag(key));
        report.warning(where, what + ", but the zone's keys are " + tags_text(std::move(tags)) +
                                  ": resolvers that validate refuse it; `summond keys ds` prints "
                                  "the records that are right");
    }
}

}  // namespace summond::zone
