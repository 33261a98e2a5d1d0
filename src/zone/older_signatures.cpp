#include "older_signatures.hpp"

#include <algorithm>

#include "rrset_writer.hpp"
#include "signed_sets.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

// Those of a type without names that could be compressed: RDATA as it was.
std::vector<sign::Bytes> rdatas_of(const image::RRset& rrset) {
    constexpr std::size_t fields = 12;  // owner (a pointer), type, class, TTL, RDLENGTH
    std::vector<sign::Bytes> rdatas;
    const std::uint8_t* at = rrset.records();
    for (unsigned i = 0; i < rrset.count; ++i) {
        const std::size_t size = dns::get16(at + fields - 2);
        rdatas.emplace_back(at + fields, size);
        at += fields + size;
    }
    return rdatas;
}

}  // namespace

OlderSignatures::OlderSignatures(const Zones& image, std::uint32_t zone, std::int64_t now,
                                 std::int64_t renewed_until, std::int64_t latest)
    : image_(image),
      zone_(zone),
      chain_(image.chain(zone)),
      now_(now),
      renewed_until_(renewed_until),
      latest_(latest) {
    const image::ZoneRecord& record = image.zone(zone);
    const auto* apex = image.at<image::Node>(record.apex);
    const image::RRset* const soa = apex->find(dns::Type::soa);
    if (record.content == 0 || chain_ == nullptr || soa == nullptr) {
        image_.reset();
        return;
    }
    served_ = {dns::get32(soa->records() + soa->size - serial_before_end), record.content};
    if (const image::RRset* const keys = apex->find(dns::Type::dnskey))
        keys_ = rdatas_of(*keys);
}

const image::Node* OlderSignatures::node_of(const Owner& owner) const {
    dns::FoldedName name;
    name.assign(octets_of(owner.name));
    if ((owner.flags & image::hashed) == 0) {
        const auto found = image_->find(name);
        if (!found.exact || found.node->zone == zone_)
            return found.exact ? found.node : nullptr;
        // The cut to a zone that the image has, too.
        const bool is_apex = (found.node->flags & image::apex) != 0;
        const image::Ref side = is_apex ? image_->zone(found.node->zone).parent_side : 0;
        const auto* const node = side == 0 ? nullptr : image_->at<image::Node>(side);
        return node != nullptr && node->zone == zone_ ? node : nullptr;
    }
    if (chain_->hashed == 0)
        return nullptr;
    const auto link = image_->find(*chain_, name);
    return link.exact ? link.node : nullptr;
}

std::vector<sign::Bytes> OlderSignatures::find(const ZoneData& zone, const Owner& owner,
                                               std::span<const Record> set) const {
    if (!image_)
        return {};
    const image::Node* const node = node_of(owner);
    const image::RRset* const older = node == nullptr ? nullptr : node->find(set[0].type);
    if (older == nullptr || older->is_signed == 0 || older->count != set.size())
        return {};
    std::vector<std::uint8_t> now;
    write_rrset(zone, owner.name, set, set[0].ttl, true, now, [](std::size_t, std::string_view) {});
    const auto* const rrset = reinterpret_cast<const image::RRset*>(now.data());
    if (rrset->size != older->size ||
        !std::equal(rrset->records(), rrset->records() + rrset->size, older->records()))
        return {};
    return rdatas_of(*older->next());
}

bool OlderSignatures::is_good(sign::Bytes rrsig, const sign::Key& key) const {
    const auto fields = sign::read_rrsig(rrsig);
    if (!fields || fields->key_tag != key.tag || fields->algorithm != key.secret.algorithm() ||
        std::ranges::none_of(
            keys_, [&](sign::Bytes each) { return std::ranges::equal(each, key.dnskey); }))
        return false;
    const auto time = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
    return !sign::is_before(time(now_), fields->inception) &&
           sign::is_before(time(renewed_until_), fields->expiration) &&
           !sign::is_before(time(latest_), fields->expiration);
}

}  // namespace summond::zone
