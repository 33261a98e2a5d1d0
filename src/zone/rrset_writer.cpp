#include "rrset_writer.hpp"

#include <algorithm>
#include <cstring>

#include "rdata.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/dns/wire.hpp"

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

// Where in `owner` the longest common suffix with name begins, and where in name. The root alone
// is no gain.
struct Common {
    std::size_t in_name;
    std::size_t in_owner;
};
Common longest_common(std::span<const std::uint8_t> name, std::string_view owner) {
    // Answers made from a wildcard have another first label than the owner.
    const bool wildcard = owner.substr(0, 2) == std::string_view("\1*");
    for (std::size_t at = 0; name[at] != 0; at += 1U + name[at]) {
        const std::size_t size = name.size() - at;
        std::size_t in_owner = wildcard ? 2 : 0;
        while (owner.size() - in_owner > size)
            in_owner += 1U + static_cast<std::uint8_t>(owner[in_owner]);
        if (same_name(name.subspan(at), owner.substr(in_owner)))
            return {at, in_owner};
    }
    return {name.size(), 0};
}

void append16(std::vector<std::uint8_t>& bytes, std::size_t value) {
    bytes.resize(bytes.size() + 2);
    dns::put16(&bytes[bytes.size() - 2], static_cast<std::uint16_t>(value));
}

// Appends RDATA with its names compressed; pointers: positions relative to `base`.
void append_rdata(std::span<const std::uint8_t> rdata, dns::Type type, std::string_view owner,
                  std::size_t base, std::vector<std::uint8_t>& bytes,
                  std::vector<std::uint16_t>& pointers) {
    const auto names = compressible_names(type);
    bytes.insert(bytes.end(), rdata.begin(),
                 rdata.begin() + static_cast<std::ptrdiff_t>(names.offset));
    rdata = rdata.subspan(names.offset);
    for (std::size_t i = 0; i < names.count; ++i) {
        const auto name = rdata.first(name_size(rdata));
        rdata = rdata.subspan(name.size());
        const Common common = longest_common(name, owner);
        bytes.insert(bytes.end(), name.begin(),
                     name.begin() + static_cast<std::ptrdiff_t>(common.in_name));
        if (common.in_name == name.size())
            continue;
        pointers.push_back(static_cast<std::uint16_t>(bytes.size() - base));
        append16(bytes, pointer_bits | (dns::header_size + common.in_owner));
    }
    bytes.insert(bytes.end(), rdata.begin(), rdata.end());
}

std::string_view view(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The name that a record of a type with targets points at; empty for none.
std::string_view target_of(const ZoneData& zone, const Record& record, std::string_view owner) {
    const auto rdata = zone.rdata(record);
    if (record.type == dns::Type::ns)
        return view(rdata);
    // RFC 9460 §2.5: "." is the owner, or for an alias that there is nothing.
    const auto name = rdata.subspan(2);
    if (name[0] != 0)
        return view(name.first(name_size(name)));
    return dns::get16(rdata.data()) == 0 ? std::string_view() : owner;
}

}  // namespace

void write_rrset(const ZoneData& zone, std::string_view owner, std::span<const Record> records,
                 std::uint32_t ttl, std::vector<std::uint8_t>& bytes,
                 const std::function<void(std::size_t, std::string_view)>& target) {
    const std::size_t header_at = bytes.size();
    bytes.resize(header_at + sizeof(image::RRset));
    const std::size_t base = bytes.size();
    std::vector<std::uint16_t> pointers;
    for (const Record& record : records) {
        const std::size_t fields_at = bytes.size();
        bytes.resize(fields_at + fields_size);
        std::uint8_t* const fields = &bytes[fields_at];
        dns::put16(fields, static_cast<std::uint16_t>(pointer_bits | dns::header_size));
        dns::put16(fields + 2, static_cast<std::uint16_t>(record.type));
        dns::put16(fields + 4, static_cast<std::uint16_t>(dns::Class::in));
        dns::put32(fields + 6, ttl);
        append_rdata(zone.rdata(record), record.type, owner, base, bytes, pointers);
        const std::size_t length = bytes.size() - fields_at - fields_size;
        dns::put16(&bytes[fields_at + 10], static_cast<std::uint16_t>(length));
    }
    const image::RRset header{records[0].type, static_cast<std::uint16_t>(records.size()),
                              static_cast<std::uint16_t>(bytes.size() - base),
                              static_cast<std::uint16_t>(pointers.size())};
    std::memcpy(&bytes[header_at], &header, sizeof header);
    pad(bytes, sizeof(image::Ref));
    if (image::has_targets(header.type)) {
        for (const Record& record : records) {
            if (const std::string_view name = target_of(zone, record, owner); !name.empty())
                target(bytes.size(), name);
            append(bytes, image::Ref{0});
        }
    }
    for (const std::uint16_t pointer : pointers)
        append(bytes, pointer);
    pad(bytes, image::unit);
}

}  // namespace summond::zone
