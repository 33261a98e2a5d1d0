// The answer while it is written. No allocation; nothing is ever written beyond the limit, and a
// record set is written whole or not at all.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "cookie.hpp"
#include "summond/answer/answer.hpp"
#include "summond/dns/message.hpp"
#include "summond/zone/image.hpp"

namespace summond::answer {

// Where the owner of an RRset stands in the answer.
struct OwnerAt {
    std::uint16_t offset;  // its first label, or a pointer to it
    std::uint16_t size;    // of its uncompressed name
};

enum class Section : std::uint8_t { answer, authority, additional };

class Packet {
  public:
    // Writes the question. query must outlive the packet.
    Packet(const dns::Query& query, std::span<std::uint8_t> out, Transport transport);

    // The question's name.
    OwnerAt question() const { return {dns::header_size, query_.name.size}; }
    // The last `size` octets of the name at owner, such as the name of the zone it is in.
    OwnerAt suffix(OwnerAt owner, std::size_t size) const {
        return {static_cast<std::uint16_t>(suffix_at(owner, size)),
                static_cast<std::uint16_t>(size)};
    }
    // The name at this offset of the answer, lower case.
    void read_name(std::size_t offset, dns::FoldedName& name) const;
    bool same_name(OwnerAt a, OwnerAt b) const;
    // Copies the first octets of the name at owner, whole labels.
    void copy_labels(OwnerAt owner, std::size_t octets, std::uint8_t* to) const;

    // Adds an RRset whose node is named by the octets at `owner`, or is the wildcard (name_size
    // other than owner.size) that owner is made from. An owner beyond dns::max_pointer has an RRset
    // without names in RDATA. False: it does not fit, nothing is written.
    bool add(Section section, const zone::image::RRset& rrset, OwnerAt owner,
             std::size_t name_size);
    // Whether that much fits, as a whole.
    bool has_room(std::size_t octets) const { return fits(octets); }
    // Adds an RRset of one record whose owner is not in the answer yet: the first `before` octets
    // of its node's name, then what stands at `rest`. Sets `owner` to where it is then.
    bool add_with_owner(Section section, const zone::image::RRset& rrset,
                        const zone::image::Node& node, std::size_t before, OwnerAt rest,
                        OwnerAt& owner);
    // Adds one record with uncompressed RDATA.
    bool add(Section section, OwnerAt owner, dns::Type type, std::uint32_t ttl,
             std::span<const std::uint8_t> rdata, dns::Class klass = dns::Class::in);
    // The same of an owner that is written out; lower or upper case, wire format.
    bool add_named(Section section, std::span<const std::uint8_t> owner, dns::Type type,
                   std::uint32_t ttl, std::span<const std::uint8_t> rdata);
    std::size_t size() const { return size_; }
    const std::uint8_t* bytes() const { return out_.data(); }
    unsigned count(Section section) const { return counts_[static_cast<std::size_t>(section)]; }

    void set_truncated() { flags_ |= dns::flag_tc; }
    bool truncated() const { return (flags_ & dns::flag_tc) != 0; }
    void set_authoritative(bool yes) {
        flags_ = static_cast<std::uint16_t>(yes ? flags_ | dns::flag_aa : flags_ & ~dns::flag_aa);
    }
    void set_rcode(dns::Rcode rcode) { rcode_ = rcode; }
    dns::Rcode rcode() const { return rcode_; }

    // Adds an EDNS option, whose room no record takes then. Before any record, only if the query
    // has EDNS, each option once.
    void add_option(dns::Option option, std::span<const std::uint8_t> data);

    // Takes back all records, for an answer that turns out to be an error.
    void clear();
    // An Extended DNS Error (RFC 8914), sent if the query had EDNS. text is at most 100 octets and
    // outlives the packet. Only for answers without records.
    void set_extended_error(dns::ExtendedError code, std::string_view text);

    // Sets CO (RFC 9824 §5.1).
    void set_compact() { compact_ = true; }
    // Pads the answer (RFC 7830), as far as there is room.
    void set_padded() { padded_ = true; }

    // Writes OPT and the header; the size of the answer.
    std::uint32_t finish();

  private:
    bool fits(std::size_t octets) const { return octets <= limit_ - size_; }
    // The packet offset of the last `size` octets of the name at owner.
    std::size_t suffix_at(OwnerAt owner, std::size_t size) const;
    void relocate(const zone::image::RRset& rrset, std::uint8_t* records, OwnerAt owner,
                  std::size_t name_size) const;
    bool add_uncompressed(Section section, const zone::image::RRset& rrset, OwnerAt owner);
    void counted(Section section, const zone::image::RRset& rrset);
    void append_opt();
    std::uint8_t* append_padding(std::uint8_t* end);

    const dns::Query& query_;
    std::span<std::uint8_t> out_;
    std::size_t limit_;
    std::size_t size_;
    std::uint16_t flags_;
    dns::Rcode rcode_ = dns::Rcode::noerror;
    std::uint16_t counts_[3] = {};
    // Options other than the extended error, as in OPT's RDATA.
    std::array<std::uint8_t, (4 + max_identity) + (4 + std::tuple_size_v<Cookie>)+(4 + 2)> options_;
    std::size_t options_size_ = 0;
    bool padded_ = false;
    bool compact_ = false;
    bool has_extended_error_ = false;
    dns::ExtendedError extended_error_{};
    std::string_view extra_text_;
};

}  // namespace summond::answer
