// All records of one zone while it is loaded.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "name_table.hpp"
#include "report.hpp"
#include "summond/dns/name.hpp"
#include "summond/dns/types.hpp"
#include "summond/zone/image.hpp"

namespace summond::zone {

// Where an SOA record's serial stands: RFC 1035 §3.3.13.
inline constexpr std::size_t serial_before_end = 20;

struct Record {
    std::uint32_t owner = 0;  // index into owners
    dns::Type type{};
    std::uint16_t rdata_size = 0;
    bool of_service = false;  // made for a service, not written by anybody
    std::uint32_t ttl = 0;
    std::uint64_t rdata = 0;  // offset of the uncompressed RDATA
    Where where;
};

struct Owner {
    std::string_view name;    // lower case, wire format
    Where where;              // of its first record
    std::uint32_t first = 0;  // its records in `records`, once sorted
    std::uint32_t count = 0;
    std::uint32_t service = image::none;
    std::uint32_t parent = image::none;  // not for the apex
    std::uint32_t wildcard = image::none;
    std::uint32_t cut = image::none;     // as image::Node::cut
    std::uint32_t denial = image::none;  // as image::Node::denial
    std::uint8_t flags = 0;              // image::NodeFlag
    bool has_ptr = false;
    image::Ref node = 0;  // once placed in the image
};

// How a signed zone denies names: image::Chain.
struct DenialChain {
    struct Link {
        std::uint64_t key;
        std::uint32_t owner;
        // NSEC3: the link (an owner) that has or covers "*" below the name that is hashed.
        std::uint32_t wildcard = image::none;
    };
    std::vector<Link> links;  // in canonical order; empty: the zone is not signed
    bool hashed = false;
    bool compact = false;  // image::Chain::compact
    std::uint16_t iterations = 0;
    std::vector<std::uint8_t> salt;
};

class ZoneData {
  public:
    ZoneData(dns::Name apex, Where where);

    const dns::Name& apex() const { return apex_; }
    Where where() const { return where_; }

    // About so many octets of zone file are to come.
    void expect(std::size_t octets);
    // The index of an owner, made if need be. The name is at or below the apex.
    std::uint32_t owner(std::string_view name, Where where);
    // image::none if there is none.
    std::uint32_t find(std::string_view name) const;
    void add(std::uint32_t owner, dns::Type type, std::uint32_t ttl,
             std::span<const std::uint8_t> rdata, Where where, bool of_service = false);

    // Sorts the records by owner and type, drops duplicates (RFC 2181 §5), makes the empty
    // non-terminals and finds out each owner's parent, wildcard and cut. Once more after records
    // have been added that change nothing of the latter.
    void finish();

    std::span<const std::uint8_t> rdata(const Record& record) const {
        return {rdata_.data() + record.rdata, record.rdata_size};
    }
    std::size_t rdata_size() const { return rdata_.size(); }
    std::span<const Record> records_of(const Owner& owner) const {
        return {records.data() + owner.first, owner.count};
    }
    // The records of one type, once finished.
    std::span<const Record> records_of(const Owner& owner, dns::Type type) const;

    // Those of `owner`'s signatures that cover a type, in the order of the file. None in a zone
    // that is not signed.
    std::vector<Record> signatures_of(const Owner& owner, dns::Type covered) const;
    bool has_signatures() const { return has_signatures_; }
    // Signatures that nobody can check, since there are no keys at the apex, are data like any
    // other, and so are NSEC and NSEC3 records beside them.
    bool is_signed() const { return has_signatures_ && has_keys_; }
    dns::Type covered_by(const Record& rrsig) const {
        return static_cast<dns::Type>(rdata_[rrsig.rdata] << 8 | rdata_[rrsig.rdata + 1]);
    }

    std::uint32_t serial() const;  // the SOA record's; finished, and there is one
    void set_serial(std::uint32_t serial);

    // What signatures do to the size: for so many records of so many octets.
    void reserve(std::size_t more_records, std::size_t octets);

    bool signed_here = false;  // by ourselves, not by who wrote the file
    // Unix time when the first signature ends; 0: there is none, or it is not known.
    std::int64_t signed_until = 0;
    std::uint64_t content = 0;  // image::ZoneRecord::content
    std::vector<Owner> owners;  // the first is the apex
    std::vector<Record> records;
    DenialChain chain;

  private:
    void group_by_owner();
    void sort_records();
    void link_owner(std::uint32_t index, std::vector<std::uint32_t>& path);

    dns::Name apex_;
    Where where_;
    NameTable index_;
    std::uint32_t last_owner_ = 0;  // that was asked for
    std::vector<std::uint8_t> rdata_;
    bool has_signatures_ = false;
    bool has_keys_ = false;
};

// A name's wire octets as text for maps, and back.
std::string_view view(const dns::Name& name);
dns::Name to_name(std::string_view wire);
// One label fewer; not for the root.
inline std::string_view parent_of(std::string_view wire) {
    return wire.substr(1U + static_cast<std::uint8_t>(wire[0]));
}
// Both lower case.
bool is_at_or_below(std::string_view wire, std::string_view ancestor);

}  // namespace summond::zone
