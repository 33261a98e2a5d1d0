#include "packet.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "summond/dns/wire.hpp"

namespace summond::answer {

namespace {

constexpr std::size_t opt_size = 11;       // without options, RFC 6891 §6.1.2
constexpr std::size_t record_fields = 10;  // type, class, TTL, RDLENGTH
constexpr std::uint16_t pointer_bits = 0xc000;
// EDNS payload size that we take ourselves; queries are small.
constexpr std::uint16_t our_udp_size = max_udp_answer;
// RFC 8467 §4.1: padded answers are a multiple of this.
constexpr std::size_t padding_block = 468;

std::size_t limit_of(const dns::Query& query, std::size_t room, Transport transport) {
    if (transport == Transport::tcp)
        return std::min(room, max_tcp_answer);
    // RFC 6891 §6.2.3: less than 512 means 512. RFC 1035 §4.2.1 without EDNS.
    const std::size_t client =
        std::max<std::size_t>(query.edns.present ? query.edns.udp_size : 0, dns::min_udp_size);
    return std::min({room, client, max_udp_answer});
}

}  // namespace

Packet::Packet(const dns::Query& query, std::span<std::uint8_t> out, Transport transport)
    : query_(query),
      out_(out),
      limit_(limit_of(query, out.size(), transport) - (query.edns.present ? opt_size : 0)),
      size_(dns::header_size + query.question.size()),
      // RFC 1035 §4.1.1: opcode and RD are those of the query.
      flags_(static_cast<std::uint16_t>(
          dns::flag_qr | (query.flags & (0xfU << dns::opcode_shift | dns::flag_rd)))) {
    std::copy(query.question.begin(), query.question.end(), out_.begin() + dns::header_size);
}

std::size_t Packet::suffix_at(OwnerAt owner, std::size_t size) const {
    std::size_t at = owner.offset;
    std::size_t left = owner.size;
    while (true) {
        while ((out_[at] & 0xc0) == 0xc0)
            at = dns::get16(&out_[at]) & dns::max_pointer;
        if (left <= size)
            return at;
        left -= 1U + out_[at];
        at += 1U + out_[at];
    }
}

void Packet::read_name(std::size_t offset, dns::FoldedName& name) const {
    std::array<std::uint8_t, dns::max_name_size> wire;
    std::size_t size = 0;
    for (std::size_t at = offset;;) {
        while ((out_[at] & 0xc0) == 0xc0)
            at = dns::get16(&out_[at]) & dns::max_pointer;
        const std::size_t label = 1U + out_[at];
        std::memcpy(&wire[size], &out_[at], label);
        size += label;
        at += label;
        if (label == 1)
            break;
    }
    name.assign({wire.data(), size});
}

void Packet::copy_labels(OwnerAt owner, std::size_t octets, std::uint8_t* to) const {
    for (std::size_t done = 0; done < octets;) {
        const std::uint8_t* label = &out_[suffix_at(owner, owner.size - done)];
        std::memcpy(to + done, label, 1U + *label);
        done += 1U + *label;
    }
}

bool Packet::same_name(OwnerAt a, OwnerAt b) const {
    if (a.size != b.size)
        return false;
    for (std::size_t left = a.size; left > 0;) {
        const std::uint8_t* in_a = &out_[suffix_at(a, left)];
        const std::uint8_t* in_b = &out_[suffix_at(b, left)];
        const std::size_t label = 1U + *in_a;
        if (!std::equal(in_a, in_a + label, in_b,
                        [](auto x, auto y) { return dns::fold(x) == dns::fold(y); }))
            return false;
        left -= label;
    }
    return true;
}

void Packet::relocate(const zone::image::RRset& rrset, std::uint8_t* records, OwnerAt owner,
                      std::size_t name_size) const {
    if (rrset.pointers != 0) {
        const std::size_t base = zone::image::records_offset(name_size);
        // In the question the owner stands whole, and no pointers have to be followed.
        const bool in_question = owner.offset < dns::header_size + query_.name.size;
        for (const std::uint16_t position : rrset.pointer_positions()) {
            const std::size_t points_at = dns::get16(records + position) & dns::max_pointer;
            const std::size_t suffix = name_size + dns::header_size - points_at;  // of the owner
            const std::size_t at = points_at >= base ? size_ + points_at - base
                                   : in_question     ? owner.offset + owner.size - suffix
                                                     : suffix_at(owner, suffix);
            dns::put16(records + position, static_cast<std::uint16_t>(pointer_bits | at));
        }
    }
    if (owner.offset == dns::header_size)
        return;
    for (std::size_t at = 0; at < rrset.size; at += 12U + dns::get16(records + at + 10))
        dns::put16(records + at, static_cast<std::uint16_t>(pointer_bits | owner.offset));
}

bool Packet::add(Section section, const zone::image::RRset& rrset, OwnerAt owner,
                 std::size_t name_size) {
    if (owner.offset > dns::max_pointer)
        return add_uncompressed(section, rrset, owner);
    if (!fits(rrset.size))
        return false;
    std::uint8_t* records = out_.data() + size_;
    std::memcpy(records, rrset.records(), rrset.size);
    // As it lies in the image it fits right behind the question, if that is its owner or as long.
    if (owner.offset != dns::header_size || size_ != zone::image::records_offset(name_size))
        relocate(rrset, records, owner, name_size);
    size_ += rrset.size;
    counted(section, rrset);
    return true;
}

void Packet::counted(Section section, const zone::image::RRset& rrset) {
    std::uint16_t& count = counts_[static_cast<std::size_t>(section)];
    count = static_cast<std::uint16_t>(count + rrset.count);
}

// Compression pointers have 14 bits: the owner is written out instead. Only for glue behind more
// than 16 KiB of NS records.
bool Packet::add_uncompressed(Section section, const zone::image::RRset& rrset, OwnerAt owner) {
    if (!fits(rrset.size + rrset.count * (owner.size - 2U)))
        return false;
    const std::uint8_t* record = rrset.records();
    for (unsigned i = 0; i < rrset.count; ++i) {
        copy_labels(owner, owner.size, out_.data() + size_);
        size_ += owner.size;
        const std::size_t fields = record_fields + dns::get16(record + 10);
        std::memcpy(out_.data() + size_, record + 2, fields);
        size_ += fields;
        record += 2 + fields;
    }
    counted(section, rrset);
    return true;
}

bool Packet::add_with_owner(Section section, const zone::image::RRset& rrset,
                            const zone::image::Node& node, std::size_t before, OwnerAt rest,
                            OwnerAt& owner) {
    if (rest.offset > dns::max_pointer)
        before = node.name_size;
    const std::size_t owner_size = before + (before == node.name_size ? 0 : 2);
    if (!fits(owner_size + rrset.size - 2U))
        return false;
    owner = {static_cast<std::uint16_t>(size_), node.name_size};
    std::uint8_t* const at = out_.data() + size_;
    std::memcpy(at, node.name(), before);
    if (owner_size > before)
        dns::put16(at + before, static_cast<std::uint16_t>(pointer_bits | rest.offset));
    std::memcpy(at + owner_size, rrset.records() + 2, rrset.size - 2U);
    size_ += owner_size + rrset.size - 2U;
    counted(section, rrset);
    return true;
}

bool Packet::add(Section section, OwnerAt owner, dns::Type type, std::uint32_t ttl,
                 std::span<const std::uint8_t> rdata, dns::Class klass) {
    if (!fits(2 + record_fields + rdata.size()))
        return false;
    std::uint8_t* at = out_.data() + size_;
    dns::put16(at, static_cast<std::uint16_t>(pointer_bits | owner.offset));
    dns::put16(at + 2, static_cast<std::uint16_t>(type));
    dns::put16(at + 4, static_cast<std::uint16_t>(klass));
    dns::put32(at + 6, ttl);
    dns::put16(at + 10, static_cast<std::uint16_t>(rdata.size()));
    std::copy(rdata.begin(), rdata.end(), at + 12);
    size_ += 2 + record_fields + rdata.size();
    ++counts_[static_cast<std::size_t>(section)];
    return true;
}

bool Packet::add_named(Section section, std::span<const std::uint8_t> owner, dns::Type type,
                       std::uint32_t ttl, std::span<const std::uint8_t> rdata) {
    if (!fits(owner.size() + record_fields + rdata.size()))
        return false;
    std::uint8_t* const at = std::copy(owner.begin(), owner.end(), out_.data() + size_);
    dns::put16(at, static_cast<std::uint16_t>(type));
    dns::put16(at + 2, static_cast<std::uint16_t>(dns::Class::in));
    dns::put32(at + 4, ttl);
    dns::put16(at + 8, static_cast<std::uint16_t>(rdata.size()));
    std::copy(rdata.begin(), rdata.end(), at + record_fields);
    size_ += owner.size() + record_fields + rdata.size();
    ++counts_[static_cast<std::size_t>(section)];
    return true;
}

void Packet::clear() {
    size_ = dns::header_size + query_.question.size();
    std::fill(std::begin(counts_), std::end(counts_), std::uint16_t{0});
    flags_ = static_cast<std::uint16_t>(flags_ & ~(dns::flag_tc | dns::flag_aa));
}

void Packet::add_option(dns::Option option, std::span<const std::uint8_t> data) {
    std::uint8_t* at = options_.data() + options_size_;
    dns::put16(at, static_cast<std::uint16_t>(option));
    dns::put16(at + 2, static_cast<std::uint16_t>(data.size()));
    std::copy(data.begin(), data.end(), at + 4);
    options_size_ += 4 + data.size();
    limit_ -= 4 + data.size();
}

void Packet::set_extended_error(dns::ExtendedError code, std::string_view text) {
    has_extended_error_ = true;
    extended_error_ = code;
    extra_text_ = text;
}

// The last option (RFC 7830 §3: zeros), which ends the answer. Returns its end.
std::uint8_t* Packet::append_padding(std::uint8_t* end) {
    constexpr std::size_t option_header = 4;
    const auto size = static_cast<std::size_t>(end - out_.data()) + option_header;
    const std::size_t most = std::min(out_.size(), max_tcp_answer);
    if (size > most)
        return end;
    const std::size_t padded = (size + padding_block - 1) / padding_block * padding_block;
    const std::size_t zeros = std::min(padded, most) - size;
    dns::put16(end, static_cast<std::uint16_t>(dns::Option::padding));
    dns::put16(end + 2, static_cast<std::uint16_t>(zeros));
    std::memset(end + option_header, 0, zeros);
    return end + option_header + zeros;
}

// RFC 6891 §6.1.3: TTL holds the upper 8 bits of the rcode, the version 0 and DO.
void Packet::append_opt() {
    std::uint8_t* at = out_.data() + size_;
    at[0] = 0;
    dns::put16(at + 1, static_cast<std::uint16_t>(dns::Type::opt));
    dns::put16(at + 3, our_udp_size);
    at[5] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(rcode_) >> 4);
    at[6] = 0;
    dns::put16(at + 7, static_cast<std::uint16_t>((query_.edns.dnssec_ok ? 0x8000U : 0U) |
                                                  (compact_ ? 0x4000U : 0U)));
    // The room for what was added is kept free (limit_); the extended error takes what is left.
    const bool explain = has_extended_error_ && fits(6 + extra_text_.size());
    std::uint8_t* const options = at + opt_size;
    std::uint8_t* end = std::copy_n(options_.data(), options_size_, options);
    if (explain) {
        dns::put16(end, static_cast<std::uint16_t>(dns::Option::extended_error));
        dns::put16(end + 2, static_cast<std::uint16_t>(2 + extra_text_.size()));
        dns::put16(end + 4, static_cast<std::uint16_t>(extended_error_));
        end = std::copy(extra_text_.begin(), extra_text_.end(), end + 6);
    }
    if (padded_)
        end = append_padding(end);
    dns::put16(at + 9, static_cast<std::uint16_t>(end - options));
    size_ = static_cast<std::size_t>(end - out_.data());
}

std::uint32_t Packet::finish() {
    if (query_.edns.present)
        append_opt();
    std::uint8_t* header = out_.data();
    dns::put16(header, query_.id);
    dns::put16(header + 2,
               static_cast<std::uint16_t>(flags_ | (static_cast<std::uint16_t>(rcode_) & 0xf)));
    dns::put16(header + 4, query_.question.empty() ? 0 : 1);
    dns::put16(header + 6, counts_[0]);
    dns::put16(header + 8, counts_[1]);
    dns::put16(header + 10, static_cast<std::uint16_t>(counts_[2] + (query_.edns.present ? 1 : 0)));
    return static_cast<std::uint32_t>(size_);
}

}  // namespace summond::answer
