#include "summond/zone/journal.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

#include "image_records.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/signature.hpp"
#include "summond/zone/records.hpp"

namespace summond::zone {
namespace {

using ByteSpan = std::span<const std::uint8_t>;

// Of a set: by what it is found, and of which image's.
struct Set {
    std::uint64_t hash;
    const image::Node* node;
    const image::RRset* rrset;
};

std::string_view view(const void* at, std::size_t size) {
    return {static_cast<const char*>(at), size};
}

// Its records lie in an image as its owner and they themselves say, wherever that is.
std::uint64_t hash_of(const image::Node& node, const image::RRset& rrset) {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    const std::hash<std::string_view> hash;
    std::uint64_t value = hash(view(node.name(), node.name_size));
    value = (value ^ static_cast<std::uint16_t>(rrset.type)) * odd;
    return (value ^ hash(view(rrset.records(), rrset.size))) * odd;
}

std::vector<Set> sets_of(const ZoneNodes& nodes, std::uint32_t zone) {
    std::vector<Set> sets;
    for (const auto& [index, ref] : nodes.of(zone)) {
        const auto* node = nodes.zones().at<image::Node>(ref);
        const image::RRset* rrset = node->first();
        for (unsigned i = 0; i < node->rrset_count; ++i, rrset = rrset->next())
            if (rrset->type != dns::Type::soa)
                sets.push_back({hash_of(*node, *rrset), node, rrset});
    }
    std::ranges::sort(sets, {}, &Set::hash);
    return sets;
}

void put(std::string& out, std::uint64_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(value >> shift));
}

std::string flat(ByteSpan owner, dns::Type type, std::uint32_t ttl, ByteSpan rdata) {
    std::string out;
    put(out, owner.size(), 1);
    out += view(owner.data(), owner.size());
    put(out, static_cast<std::uint16_t>(type), 2);
    put(out, ttl, 4);
    put(out, rdata.size(), 2);
    out += view(rdata.data(), rdata.size());
    return out;
}

void add_flat(const Set& set, std::vector<std::string>& records) {
    const ByteSpan owner(set.node->name(), set.node->name_size);
    each_record(view(owner.data(), owner.size()), *set.rrset,
                [&](std::uint32_t ttl, ByteSpan rdata) {
                    records.push_back(flat(owner, set.rrset->type, ttl, rdata));
                });
}

std::string flat_soa(const ZoneNodes& nodes, std::uint32_t zone) {
    ZoneSets sets(nodes, zone);
    RecordSet soa;
    sets.next(soa);
    return flat(soa.owner, soa.type, soa.records[0].ttl, soa.rdata(soa.records[0]));
}

// The records of the sets in one list and not in the other.
std::vector<std::string> only_in(const std::vector<Set>& list, const std::vector<Set>& other) {
    std::vector<Set> sets;
    std::ranges::set_difference(list, other, std::back_inserter(sets), {}, &Set::hash, &Set::hash);
    std::vector<std::string> records;
    for (const Set& set : sets)
        add_flat(set, records);
    std::ranges::sort(records);
    return records;
}

std::string difference(const std::vector<std::string>& list,
                       const std::vector<std::string>& other) {
    std::vector<std::string> records;
    std::ranges::set_difference(list, other, std::back_inserter(records));
    std::string all;
    for (const std::string& record : records)
        all += record;
    return all;
}

constexpr std::size_t entry_fields = 4 + 4 + 8 + 8;

std::string entry(const dns::Name& zone, std::uint32_t from, std::uint32_t to,
                  const std::string& removed, const std::string& added) {
    std::string out;
    put(out, zone.wire().size(), 1);
    out += view(zone.wire().data(), zone.wire().size());
    put(out, from, 4);
    put(out, to, 4);
    put(out, removed.size(), 8);
    put(out, added.size(), 8);
    return out + removed + added;
}

ByteSpan octets_in(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::uint64_t get64(const char* at) {
    const auto* octets = reinterpret_cast<const std::uint8_t*>(at);
    return std::uint64_t{dns::get32(octets)} << 32 | dns::get32(octets + 4);
}

std::uint32_t get32(const char* at) {
    return dns::get32(reinterpret_cast<const std::uint8_t*>(at));
}

}  // namespace

bool take_record(ByteSpan& records, FlatRecord& record) {
    if (records.empty())
        return false;
    const std::size_t owner = records[0];
    record.owner = records.subspan(1, owner);
    const std::uint8_t* const fields = &records[1 + owner];
    record.type = static_cast<dns::Type>(dns::get16(fields));
    record.ttl = dns::get32(fields + 2);
    record.rdata = records.subspan(1 + owner + 8, dns::get16(fields + 6));
    records = records.subspan(1 + owner + 8 + record.rdata.size());
    return true;
}

base::Result<Journal> Journal::open(std::string_view bytes) {
    Journal journal;
    const base::Error bad{"changes of zones: not as the loader writes them"};
    while (!bytes.empty()) {
        const std::size_t name = static_cast<std::uint8_t>(bytes[0]);
        if (bytes.size() < 1 + name + entry_fields)
            return tl::make_unexpected(bad);
        Entry entry;
        entry.zone = bytes.substr(1, name);
        const char* const fields = &bytes[1 + name];
        entry.change.from = get32(fields);
        entry.change.to = get32(fields + 4);
        const std::uint64_t removed = get64(fields + 8);
        const std::uint64_t added = get64(fields + 16);
        const std::size_t rest = bytes.size() - 1 - name - entry_fields;
        if (removed > rest || added > rest - removed)
            return tl::make_unexpected(bad);
        const auto body = bytes.substr(1 + name + entry_fields);
        entry.change.removed = octets_in(body.substr(0, removed));
        entry.change.added = octets_in(body.substr(removed, added));
        entry.bytes = bytes.substr(0, 1 + name + entry_fields + removed + added);
        bytes.remove_prefix(entry.bytes.size());
        journal.entries_.push_back(entry);
    }
    return journal;
}

std::vector<ZoneChange> Journal::between(const dns::Name& zone, std::uint32_t from,
                                         std::uint32_t to) const {
    const auto name = view(zone.wire().data(), zone.wire().size());
    std::vector<ZoneChange> changes;
    for (const Entry& entry : entries_) {
        if (entry.zone != name)
            continue;
        if (!changes.empty() || entry.change.from == from)
            changes.push_back(entry.change);
    }
    if (!changes.empty() && changes.back().to != to)
        changes.clear();
    return changes;
}

std::string Journal::write(const config::Config& config, const Zones& before, const Zones& after,
                           std::vector<config::Problem>& problems) const {
    std::set<std::string> kept;
    std::vector<std::string> fresh;
    std::optional<ZoneNodes> older;
    std::optional<ZoneNodes> newer;
    for (const config::Zone& zone : config.zones) {
        const auto was = find_zone(before, zone.name);
        const auto is = find_zone(after, zone.name);
        if (!zone.transfer || !was || !is || before.zone(*was).negative_soa == 0 ||
            after.zone(*is).negative_soa == 0)
            continue;
        if (!older) {
            older.emplace(before);
            newer.emplace(after);
        }
        const std::vector<Set> old_sets = sets_of(*older, *was);
        const std::vector<Set> new_sets = sets_of(*newer, *is);
        const auto old_records = only_in(old_sets, new_sets);
        const auto new_records = only_in(new_sets, old_sets);
        const std::uint32_t from = serial_of(before, *was);
        const std::uint32_t to = serial_of(after, *is);
        const std::string name(view(zone.name.wire().data(), zone.name.wire().size()));
        if (!sign::is_before(from, to)) {
            if (!old_records.empty() || !new_records.empty() || from != to)
                problems.push_back({zone.where,
                                    "zone " + zone.name.to_string() +
                                        " has changed, but its serial went from " +
                                        std::to_string(from) + " to " + std::to_string(to) +
                                        ", so that secondaries keep what they have; make it larger",
                                    true});
            else
                kept.insert(name);
            continue;
        }
        const std::string removed = difference(old_records, new_records);
        const std::string added = difference(new_records, old_records);
        // What is as long as the whole is no gain.
        std::size_t whole = 0;
        for (const Set& set : new_sets)
            whole += set.rrset->size;
        if (removed.size() + added.size() > whole)
            continue;
        kept.insert(name);
        fresh.push_back(entry(zone.name, from, to, flat_soa(*older, *was) + removed,
                              flat_soa(*newer, *is) + added));
    }
    std::size_t size = 0;
    for (const std::string& each : fresh)
        size += each.size();
    // The newest of the older ones, as far as there is room.
    auto first = entries_.end();
    while (first != entries_.begin() && size + std::prev(first)->bytes.size() <= most) {
        --first;
        size += first->bytes.size();
    }
    std::string all;
    for (; first != entries_.end(); ++first)
        if (kept.contains(std::string(first->zone)))
            all += first->bytes;
    for (const std::string& each : fresh)
        if (all.size() + each.size() <= most)
            all += each;
    return all;
}

}  // namespace summond::zone
