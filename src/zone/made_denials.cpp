#include "made_denials.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "signed_sets.hpp"
#include "summond/dns/canonical.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/nsec3.hpp"

namespace summond::zone {

namespace {

using dns::Type;

// Not what is below a cut, or the glue in it.
bool is_in_chain(const ZoneData& zone, std::uint32_t index) {
    const Owner& owner = zone.owners[index];
    return owner.cut == image::none || owner.cut == index;
}

// Of NSEC and NSEC3 records (RFC 9077 §3).
std::uint32_t denial_ttl(const ZoneData& zone) {
    const Record& soa = zone.records_of(zone.owners[0], Type::soa)[0];
    const auto rdata = zone.rdata(soa);
    return std::min(soa.ttl, dns::get32(&rdata[rdata.size() - 4]));
}

// The types that a name has in its own zone; in order.
std::vector<std::uint16_t> types_at(const ZoneData& zone, const Owner& owner) {
    const bool is_cut = (owner.flags & image::delegation) != 0;
    std::vector<std::uint16_t> types;
    for (const Record& record : zone.records_of(owner)) {
        const auto type = static_cast<std::uint16_t>(record.type);
        const bool own = !is_cut || record.type == Type::ns || record.type == Type::ds;
        if (own && (types.empty() || types.back() != type))
            types.push_back(type);
    }
    return types;
}

void insert_type(std::vector<std::uint16_t>& types, Type type) {
    const auto value = static_cast<std::uint16_t>(type);
    types.insert(std::ranges::lower_bound(types, value), value);
}

// RFC 4034 §4.1.2; types: in order.
void append_types(const std::vector<std::uint16_t>& types, std::vector<std::uint8_t>& rdata) {
    for (auto type = types.begin(); type != types.end();) {
        const auto window = static_cast<std::uint8_t>(*type >> 8);
        std::array<std::uint8_t, 32> bits{};
        std::size_t size = 0;
        for (; type != types.end() && *type >> 8 == window; ++type) {
            const std::size_t bit = *type & 0xffU;
            bits[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
            size = bit / 8 + 1;
        }
        rdata.push_back(window);
        rdata.push_back(static_cast<std::uint8_t>(size));
        rdata.insert(rdata.end(), bits.begin(), bits.begin() + static_cast<std::ptrdiff_t>(size));
    }
}

}  // namespace

void add_nsec(ZoneData& zone) {
    struct Link {
        std::uint64_t key;
        std::uint32_t owner;
    };
    dns::FoldedName apex;
    apex.assign(zone.apex().wire());
    const auto folded = [&](std::uint32_t owner) {
        dns::FoldedName name;
        name.assign(octets_of(zone.owners[owner].name));
        return name;
    };
    std::vector<Link> links;
    for (std::uint32_t i = 0; i < zone.owners.size(); ++i)
        if (zone.owners[i].count > 0 && is_in_chain(zone, i))
            links.push_back({dns::canonical_key(folded(i), apex.labels), i});
    std::ranges::sort(links, [&](const Link& a, const Link& b) {
        return a.key != b.key
                   ? a.key < b.key
                   : dns::compare_canonical(folded(a.owner), folded(b.owner), apex.labels) < 0;
    });
    const std::uint32_t ttl = denial_ttl(zone);
    constexpr std::size_t usual_rdata = 40;
    zone.reserve(links.size(), links.size() * usual_rdata);
    std::vector<std::uint8_t> rdata;
    for (std::size_t i = 0; i < links.size(); ++i) {
        const Owner& owner = zone.owners[links[i].owner];
        const auto next = octets_of(zone.owners[links[(i + 1) % links.size()].owner].name);
        auto types = types_at(zone, owner);
        insert_type(types, Type::rrsig);
        insert_type(types, Type::nsec);
        rdata.assign(next.begin(), next.end());
        append_types(types, rdata);
        zone.add(links[i].owner, Type::nsec, ttl, rdata, zone.where());
    }
}

void add_compact_nsec(ZoneData& zone) {
    const std::uint32_t ttl = denial_ttl(zone);
    const std::size_t owners = zone.owners.size();
    constexpr std::size_t usual_rdata = 40;
    zone.reserve(owners, owners * usual_rdata);
    for (std::uint32_t i = 0; i < owners; ++i) {
        if (!is_in_chain(zone, i))
            continue;
        auto types = types_at(zone, zone.owners[i]);
        insert_type(types, Type::rrsig);
        insert_type(types, Type::nsec);
        dns::FoldedName name;
        name.assign(octets_of(zone.owners[i].name));
        dns::NameBuffer next;
        const std::size_t size = dns::next_name(name, next);
        std::vector<std::uint8_t> rdata(next.begin(),
                                        next.begin() + static_cast<std::ptrdiff_t>(size));
        append_types(types, rdata);
        zone.add(i, Type::nsec, ttl, rdata, zone.where());
    }
}

void add_nsec3(ZoneData& zone) {
    struct Link {
        sign::Nsec3Hash hash;
        std::uint32_t owner;
    };
    std::vector<Link> links;
    for (std::uint32_t i = 0; i < zone.owners.size(); ++i)
        if (is_in_chain(zone, i))
            links.push_back({sign::nsec3_hash(octets_of(zone.owners[i].name), {}), i});
    std::ranges::sort(links, {}, &Link::hash);
    const std::uint32_t ttl = denial_ttl(zone);
    constexpr std::size_t usual_rdata = 40;
    zone.reserve(links.size(), links.size() * usual_rdata);
    std::vector<std::uint8_t> rdata;
    for (std::size_t i = 0; i < links.size(); ++i) {
        const Owner& owner = zone.owners[links[i].owner];
        auto types = types_at(zone, owner);
        const bool unsigned_cut =
            (owner.flags & image::delegation) != 0 && zone.records_of(owner, Type::ds).empty();
        if (!types.empty() && !unsigned_cut)
            insert_type(types, Type::rrsig);
        // Flags, iterations and salt are 0 (RFC 5155 §3.2).
        rdata.assign({sign::nsec3_sha1, 0, 0, 0, 0, sign::nsec3_hash_size});
        const auto& next = links[(i + 1) % links.size()].hash;
        rdata.insert(rdata.end(), next.begin(), next.end());
        append_types(types, rdata);
        const auto label = sign::nsec3_label(links[i].hash);
        std::string name(label.begin(), label.end());
        name += view(zone.apex());
        const std::uint32_t hashed = zone.owner(name, zone.where());  // moves the owners
        zone.owners[hashed].flags |= image::hashed;
        zone.add(hashed, Type::nsec3, ttl, rdata, zone.where());
    }
}

}  // namespace summond::zone
