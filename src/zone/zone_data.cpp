#include "zone_data.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <numeric>

#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/records.hpp"

namespace summond::zone {

namespace {

// Of types whose RDATA ends in names (RFC 4034 §6.2) and has nothing before them that is not of a
// fixed size; of others, all.
std::size_t octets_before_names(dns::Type type) {
    enum : std::uint16_t { rp = 17, afsdb = 18, rt = 21, px = 26, kx = 36 };
    switch (static_cast<std::uint16_t>(type)) {
        case afsdb:
        case rt:
        case px:
        case kx:
            return 2;
        case rp:
        case static_cast<std::uint16_t>(dns::Type::dname):
            return 0;
        case static_cast<std::uint16_t>(dns::Type::srv):
            return image::target_offset(dns::Type::srv);
        default:
            break;
    }
    const CompressibleNames names = compressible_names(type);
    return names.count > 0 ? names.offset : dns::max_message_size;
}

}  // namespace

std::string_view view(const dns::Name& name) {
    const auto wire = name.wire();
    return {reinterpret_cast<const char*>(wire.data()), wire.size()};
}

dns::Name to_name(std::string_view wire) {
    const auto name =
        dns::Name::from_wire({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()});
    assert(name);
    return *name;
}

bool is_at_or_below(std::string_view wire, std::string_view ancestor) {
    while (wire.size() > ancestor.size())
        wire = parent_of(wire);
    return wire == ancestor;
}

ZoneData::ZoneData(dns::Name apex, Where where) : apex_(std::move(apex)), where_(where) {
    owners.push_back({});
    owners[0].name = index_.keep(view(apex_));
    owners[0].where = where;
    owners[0].flags = image::apex;
    index_.find_or_add(owners[0].name, 0, [this](std::uint32_t i) { return owners[i].name; });
}

void ZoneData::expect(std::size_t octets) {
    // Short lines with an owner each. Memory that is not used is not touched.
    constexpr std::size_t usual_line = 20;
    constexpr std::size_t worth_it = 1 << 20;
    if (octets < worth_it)
        return;
    const std::size_t lines = octets / usual_line;
    reserve_large(owners, owners.size() + lines);
    reserve_large(records, records.size() + lines);
    index_.expect(lines);
}

std::uint32_t ZoneData::owner(std::string_view name, Where where) {
    // Records of one owner mostly follow one another.
    if (owners[last_owner_].name == name)
        return last_owner_;
    const auto next = static_cast<std::uint32_t>(owners.size());
    last_owner_ =
        index_.find_or_add(name, next, [this](std::uint32_t i) { return owners[i].name; });
    if (last_owner_ == next) {
        Owner& owner = owners.emplace_back();
        owner.name = index_.keep(name);
        owner.where = where;
    }
    return last_owner_;
}

std::uint32_t ZoneData::find(std::string_view name) const {
    return index_.find(name, [this](std::uint32_t i) { return owners[i].name; });
}

void ZoneData::add(std::uint32_t owner, dns::Type type, std::uint32_t ttl,
                   std::span<const std::uint8_t> rdata, Where where, bool of_service) {
    assert(rdata.size() <= 0xffff);
    records.push_back({owner, type, static_cast<std::uint16_t>(rdata.size()), of_service, ttl,
                       rdata_.size(), where});
    rdata_.insert(rdata_.end(), rdata.begin(), rdata.end());
    if (type == dns::Type::cname)
        owners[owner].flags |= image::cname;
    else if (type == dns::Type::dname)
        owners[owner].flags |= image::dname;
    else if (type == dns::Type::ns && owner != 0)
        owners[owner].flags |= image::delegation;
    else if (type == dns::Type::ptr)
        owners[owner].has_ptr = true;
    else if (type == dns::Type::rrsig)
        has_signatures_ = true;
    else if (type == dns::Type::dnskey && owner == 0)
        has_keys_ = true;
}

// A counting sort, which keeps the order within an owner. Most zone files need none.
void ZoneData::group_by_owner() {
    if (std::ranges::is_sorted(records, {}, &Record::owner))
        return;
    std::vector<std::size_t> place(owners.size() + 1);
    for (const Record& record : records)
        ++place[record.owner + 1];
    std::partial_sum(place.begin(), place.end(), place.begin());
    std::vector<Record> grouped(records.size());
    for (const Record& record : records)
        grouped[place[record.owner]++] = record;
    records = std::move(grouped);
}

void ZoneData::sort_records() {
    group_by_owner();
    // The first of two equal records keeps its place in the file and its TTL.
    for (auto first = records.begin(); first != records.end();) {
        const auto last = std::find_if(first, records.end(),
                                       [&](const Record& r) { return r.owner != first->owner; });
        if (!std::ranges::is_sorted(first, last, {}, &Record::type))
            std::ranges::stable_sort(first, last, {}, &Record::type);
        first = last;
    }
    // Names are the same in any case (RFC 4343 §3).
    const auto same = [this](const Record& a, const Record& b) {
        const auto in_a = rdata(a);
        const auto in_b = rdata(b);
        const std::size_t exact = std::min(octets_before_names(a.type), in_a.size());
        return in_a.size() == in_b.size() &&
               std::equal(in_a.begin(), in_a.begin() + static_cast<std::ptrdiff_t>(exact),
                          in_b.begin()) &&
               std::ranges::equal(in_a.subspan(exact), in_b.subspan(exact), {}, dns::fold,
                                  dns::fold);
    };
    // The order within an RRset stays that of the file. RRsets are small, so each record is
    // compared with those before it; more than fit into a message are refused later, duplicates or
    // not.
    constexpr std::size_t most = dns::max_message_size / 12;
    std::size_t kept = 0;
    for (std::size_t first = 0; first < records.size();) {
        std::size_t last = first;
        while (last < records.size() && records[last].owner == records[first].owner &&
               records[last].type == records[first].type)
            ++last;
        const std::size_t set = kept;
        for (std::size_t i = first; i < last; ++i) {
            const auto begin = records.begin() + static_cast<std::ptrdiff_t>(set);
            const auto end = records.begin() + static_cast<std::ptrdiff_t>(kept);
            if (last - first > most ||
                std::none_of(begin, end, [&](const Record& r) { return same(r, records[i]); }))
                records[kept++] = records[i];
            else if (records[i].of_service && is_signed())
                // Whoever signed the zone wrote the service's address there to have it signed.
                std::find_if(begin, end, [&](const Record& r) {
                    return same(r, records[i]);
                })->of_service = true;
        }
        first = last;
    }
    records.resize(kept);
    for (Owner& owner : owners)
        owner.count = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
        Owner& owner = owners[records[i].owner];
        if (owner.count++ == 0)
            owner.first = static_cast<std::uint32_t>(i);
        if (records[i].type == dns::Type::nsec3 && is_signed())
            owner.flags |= image::hashed;
    }
}

std::span<const Record> ZoneData::records_of(const Owner& owner, dns::Type type) const {
    const auto all = records_of(owner);
    const auto first = std::partition_point(all.begin(), all.end(),
                                            [&](const Record& r) { return r.type < type; });
    const auto last =
        std::partition_point(first, all.end(), [&](const Record& r) { return r.type == type; });
    return {first, last};
}

std::vector<Record> ZoneData::signatures_of(const Owner& owner, dns::Type covered) const {
    std::vector<Record> found;
    if (!is_signed())
        return found;
    std::ranges::copy_if(records_of(owner, dns::Type::rrsig), std::back_inserter(found),
                         [&](const Record& r) { return covered_by(r) == covered; });
    return found;
}

std::uint32_t ZoneData::serial() const {
    const auto soa = rdata(records_of(owners[0], dns::Type::soa)[0]);
    return dns::get32(&soa[soa.size() - serial_before_end]);
}

void ZoneData::set_serial(std::uint32_t serial) {
    const Record& soa = records_of(owners[0], dns::Type::soa)[0];
    dns::put32(&rdata_[soa.rdata + soa.rdata_size - serial_before_end], serial);
}

void ZoneData::reserve(std::size_t more_records, std::size_t octets) {
    constexpr std::size_t worth_it = 1 << 14;
    if (more_records < worth_it)
        return;
    reserve_large(records, records.size() + more_records);
    reserve_large(rdata_, rdata_.size() + octets);
}

// path: scratch space.
void ZoneData::link_owner(std::uint32_t index, std::vector<std::uint32_t>& path) {
    // Up to the first ancestor that is linked already, making those that are missing.
    path.clear();
    for (std::uint32_t i = index; i != 0 && owners[i].parent == image::none;) {
        path.push_back(i);
        const std::string_view above = parent_of(owners[i].name);
        const std::uint32_t up = owner(above, owners[i].where);
        owners[i].parent = up;
        if (owners[i].name.substr(0, 2) == std::string_view("\1*"))
            owners[up].wildcard = i;
        i = up;
    }
    for (auto i = path.rbegin(); i != path.rend(); ++i) {
        Owner& below = owners[*i];
        const Owner& parent = owners[below.parent];
        if (parent.cut != image::none)
            below.cut = parent.cut;
        else if ((parent.flags & image::dname) != 0)
            below.cut = below.parent;
        else if ((below.flags & image::delegation) != 0)
            below.cut = *i;
    }
}

void ZoneData::finish() {
    sort_records();
    std::vector<std::uint32_t> path;
    const auto count = static_cast<std::uint32_t>(owners.size());
    for (std::uint32_t i = 1; i < count; ++i)
        link_owner(i, path);
}

}  // namespace summond::zone
