#include "rrset_writer.hpp"

#include <algorithm>
#include <cstring>

#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"
#include "summond/zone/records.hpp"

namespace summond::zone {

namespace {

constexpr std::uint16_t pointer_bits = 0xc000;
// In front of RDATA: owner (a pointer), type, class, TTL, RDLENGTH.
constexpr std::size_t fields_size = 12;

std::size_t name_size(std::span<const std::uint8_t> wire) {
    std::size_t at = 0;
    while (wire[at] != 0)
        at += 1U + wire[at];
    return at + 1;
}

bool same_name(std::span<const std::uint8_t> a, std::string_view lower) {
    return std::ranges::equal(a, lower, {}, dns::fold,
                              [](char c) { return static_cast<std::uint8_t>(c); });
}

std::string_view view(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What the names in one RRset's RDATA can point at, at offsets of an answer that begins with it.
class Compression {
  public:
    explicit Compression(std::string_view owner) : owner_(owner) {}

    // The longest suffix of name that is there already: where it begins in name, and its offset.
    // The root alone is no gain: in_name is then the size of name.
    struct Common {
        std::size_t in_name;
        std::size_t offset;
    };
    Common longest_common(std::span<const std::uint8_t> name) const {
        for (std::size_t at = 0; name[at] != 0; at += 1U + name[at]) {
            if (const std::size_t offset = find(name.subspan(at)); offset != 0)
                return {at, offset};
        }
        return {name.size(), 0};
    }
    // name stands `position` octets behind the RRset's beginning, its first `size` octets in full.
    void add(std::span<const std::uint8_t> name, std::size_t size, std::size_t position) {
        for (std::size_t at = 0; at < size && name[at] != 0; at += 1U + name[at]) {
            if (position + at > image::max_pointed_at)
                return;
            known_.push_back(
                {name.subspan(at), image::records_offset(owner_.size()) + position + at});
        }
    }

  private:
    struct Known {
        std::span<const std::uint8_t> name;
        std::size_t offset;
    };

    std::size_t find(std::span<const std::uint8_t> name) const {
        // Answers made from a wildcard have another first label than the owner.
        std::size_t in_owner = owner_.substr(0, 2) == std::string_view("\1*") ? 2 : 0;
        while (owner_.size() - in_owner > name.size())
            in_owner += 1U + static_cast<std::uint8_t>(owner_[in_owner]);
        if (same_name(name, owner_.substr(in_owner)))
            return dns::header_size + in_owner;
        const auto same = [&](const Known& known) {
            return known.name.size() == name.size() &&
                   std::ranges::equal(known.name, name, {}, dns::fold, dns::fold);
        };
        const auto found = std::ranges::find_if(known_, same);
        return found == known_.end() ? 0 : found->offset;
    }

    std::string_view owner_;
    std::vector<Known> known_;
};

void push16(std::vector<std::uint8_t>& bytes, std::size_t value) {
    bytes.resize(bytes.size() + 2);
    dns::put16(&bytes[bytes.size() - 2], static_cast<std::uint16_t>(value));
}

// Appends RDATA with its names compressed; pointers: positions relative to `base`.
void append_rdata(std::span<const std::uint8_t> rdata, dns::Type type, std::size_t base,
                  Compression& compression, std::vector<std::uint8_t>& bytes,
                  std::vector<std::uint16_t>& pointers) {
    const auto names = compressible_names(type);
    bytes.insert(bytes.end(), rdata.begin(),
                 rdata.begin() + static_cast<std::ptrdiff_t>(names.offset));
    rdata = rdata.subspan(names.offset);
    for (std::size_t i = 0; i < names.count; ++i) {
        const auto name = rdata.first(name_size(rdata));
        rdata = rdata.subspan(name.size());
        const Compression::Common common = compression.longest_common(name);
        compression.add(name, common.in_name, bytes.size() - base);
        bytes.insert(bytes.end(), name.begin(),
                     name.begin() + static_cast<std::ptrdiff_t>(common.in_name));
        if (common.in_name == name.size())
            continue;
        pointers.push_back(static_cast<std::uint16_t>(bytes.size() - base));
        push16(bytes, pointer_bits | common.offset);
    }
    bytes.insert(bytes.end(), rdata.begin(), rdata.end());
}

// The name that a record of a type with targets points at; empty for none.
std::string_view target_of(const ZoneData& zone, const Record& record, std::string_view owner) {
    const auto rdata = zone.rdata(record);
    const auto name = rdata.subspan(image::target_offset(record.type));
    if (name[0] != 0)
        return view(name.first(name_size(name)));
    // RFC 9460 §2.5: "." is the owner, or for an alias that there is nothing. RFC 7505, RFC 2782:
    // it is nothing for MX and SRV, too.
    const bool binding = record.type == dns::Type::svcb || record.type == dns::Type::https;
    return binding && dns::get16(rdata.data()) != 0 ? owner : std::string_view();
}

}  // namespace

void write_rrset(const ZoneData& zone, std::string_view owner, std::span<const Record> records,
                 std::uint32_t ttl, bool is_signed, std::vector<std::uint8_t>& bytes,
                 const std::function<void(std::size_t, std::string_view)>& target) {
    const std::size_t header_at = bytes.size();
    bytes.resize(header_at + sizeof(image::RRset));
    const std::size_t base = bytes.size();
    std::vector<std::uint16_t> pointers;
    Compression compression(owner);
    for (const Record& record : records) {
        const std::size_t fields_at = bytes.size();
        bytes.resize(fields_at + fields_size);
        std::uint8_t* const fields = &bytes[fields_at];
        dns::put16(fields, static_cast<std::uint16_t>(pointer_bits | dns::header_size));
        dns::put16(fields + 2, static_cast<std::uint16_t>(record.type));
        dns::put16(fields + 4, static_cast<std::uint16_t>(dns::Class::in));
        dns::put32(fields + 6, ttl);
        append_rdata(zone.rdata(record), record.type, base, compression, bytes, pointers);
        const std::size_t length = bytes.size() - fields_at - fields_size;
        dns::put16(&bytes[fields_at + 10], static_cast<std::uint16_t>(length));
    }
    const image::RRset header{records[0].type,
                              static_cast<std::uint16_t>(records.size()),
                              static_cast<std::uint16_t>(bytes.size() - base),
                              static_cast<std::uint16_t>(pointers.size() & 0x3fff),
                              is_signed,
                              image::has_targets(records[0].type)};
    std::memcpy(&bytes[header_at], &header, sizeof header);
    pad(bytes, sizeof(image::Ref));
    if (header.with_targets != 0) {
        for (const Record& record : records) {
            if (const std::string_view name = target_of(zone, record, owner); !name.empty())
                target(bytes.size(), name);
            append_object(bytes, image::Ref{0});
        }
    }
    for (const std::uint16_t pointer : pointers)
        append_object(bytes, pointer);
    pad(bytes, image::unit);
}

}  // namespace summond::zone
