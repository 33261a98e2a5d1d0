#include "rdata.hpp"

#include <algorithm>
#include <limits>

#include "rdata_forms.hpp"
#include "rdata_wire.hpp"
#include "summond/zone/records.hpp"
#include "svc_params.hpp"

namespace summond::zone {

namespace {

using Done = base::Result<void>;

struct Mnemonic {
    const char* text;
    std::uint16_t value;
};
// IANA "DNS Security Algorithm Numbers", and BIND's names for two of them.
constexpr Mnemonic algorithms[] = {
    {"RSAMD5", 1},
    {"DH", 2},
    {"DSA", 3},
    {"ECC", 4},
    {"RSASHA1", 5},
    {"DSA-NSEC3-SHA1", 6},
    {"NSEC3DSA", 6},
    {"RSASHA1-NSEC3-SHA1", 7},
    {"NSEC3RSASHA1", 7},
    {"RSASHA256", 8},
    {"RSASHA512", 10},
    {"ECC-GOST", 12},
    {"ECDSAP256SHA256", 13},
    {"ECDSAP384SHA384", 14},
    {"ED25519", 15},
    {"ED448", 16},
    {"INDIRECT", 252},
    {"PRIVATEDNS", 253},
    {"PRIVATEOID", 254},
};
// RFC 4398 §2.1.
constexpr Mnemonic certificates[] = {
    {"PKIX", 1}, {"SPKI", 2},   {"PGP", 3},     {"IPKIX", 4}, {"ISPKI", 5},
    {"IPGP", 6}, {"ACPKIX", 7}, {"IACPKIX", 8}, {"URI", 253}, {"OID", 254},
};
// RFC 9859 §2.1.
constexpr Mnemonic schemes[] = {{"NOTIFY", 1}};

template <typename Number>
base::Result<Number> number(std::string_view word, std::span<const Mnemonic> mnemonics = {}) {
    if (const auto value = number_from_text<Number>(word))
        return *value;
    const auto found = std::ranges::find_if(
        mnemonics, [&](const Mnemonic& mnemonic) { return same_text(word, mnemonic.text); });
    if (found != mnemonics.end())
        return static_cast<Number>(found->value);
    std::string what = "a number from 0 to " + std::to_string(std::numeric_limits<Number>::max());
    if (!mnemonics.empty())
        what += std::string(" or a mnemonic such as ") + mnemonics.back().text;
    return is_not(word, what);
}

template <typename Number>
Done append_number(std::string_view word, Bytes& out, std::span<const Mnemonic> mnemonics = {}) {
    const auto value = number<Number>(word, mnemonics);
    if (!value)
        return tl::make_unexpected(value.error());
    for (std::size_t shift = 8 * sizeof(Number); shift > 0; shift -= 8)
        append8(out, *value >> (shift - 8));
    return {};
}

Done read_one_string(std::string_view word, Bytes& out) {
    const auto count = read_strings(word, out);
    if (!count)
        return tl::make_unexpected(count.error());
    return *count == 1 ? Done() : is_not(word, "one string");
}

Done read_string_list(Words& words, Bytes& out) {
    while (!words.empty()) {
        if (const auto count = read_strings(words.take(), out); !count)
            return tl::make_unexpected(count.error());
    }
    return {};
}

Done read_digits(std::string_view word, Bytes& out) {
    const std::size_t at = out.size();
    if (auto r = read_one_string(word, out); !r)
        return r;
    const auto digits = std::span(out).subspan(at + 1);
    if (digits.size() < 4 ||
        !std::ranges::all_of(digits, [](std::uint8_t c) { return c >= '0' && c <= '9'; }))
        return is_not(word, "an address of four digits or more");
    return {};
}

Done read_tag(std::string_view word, Bytes& out) {
    constexpr std::size_t longest = 255;
    if (word.size() > longest || !std::ranges::all_of(word, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        }))
        return is_not(word, "a tag such as issue: letters and digits, no quotation marks");
    append8(out, word.size());
    out.insert(out.end(), word.begin(), word.end());
    return {};
}

// Octets with their length before them; "-" where there may be none.
Done read_counted(std::string_view word, Done (*read)(std::string_view, Bytes&), Bytes& out) {
    constexpr std::size_t longest = 255;
    Bytes octets;
    if (auto r = read(word, octets); !r)
        return r;
    if (octets.size() > longest)
        return is_not(word, "of 255 octets at most");
    append8(out, octets.size());
    append(out, octets);
    return {};
}

Done read_salt(std::string_view word, Bytes& out) {
    if (word != "-")
        return read_counted(word, read_hex_word, out);
    append8(out, 0);
    return {};
}

Done read_time(std::string_view word, Bytes& out) {
    const auto time = time_from_text(word);
    if (!time)
        return is_not(word, "a time: YYYYMMDDHHmmSS, or seconds since 1970");
    append32(out, *time);
    return {};
}

Done read_period(std::string_view word, Bytes& out) {
    const auto seconds = seconds_from_text(word, std::numeric_limits<std::uint32_t>::max());
    if (!seconds)
        return is_not(word, "a number from 0 to 4294967295 or a time such as 1h");
    append32(out, *seconds);
    return {};
}

Done read_rr_type(std::string_view word, Bytes& out) {
    const auto type = type_from_text(word);
    if (!type)
        return is_not(word, "a record type");
    append16(out, static_cast<std::size_t>(*type));
    return {};
}

bool may_be_missing(FieldKind kind) {
    switch (kind) {
        case FieldKind::optional_string:
        case FieldKind::optional_base64:
        case FieldKind::key_material:
        case FieldKind::types:
        case FieldKind::apl:
        case FieldKind::parameters:
            return true;
        default:
            return false;
    }
}

}  // namespace

CompressibleNames compressible_names(dns::Type type) {
    switch (type) {
        case dns::Type::ns:
        case dns::Type::md:
        case dns::Type::mf:
        case dns::Type::cname:
        case dns::Type::mb:
        case dns::Type::mg:
        case dns::Type::mr:
        case dns::Type::ptr:
            return {0, 1};
        case dns::Type::soa:
        case dns::Type::minfo:
            return {0, 2};
        case dns::Type::mx:
            return {2, 1};
        default:
            return {};
    }
}

tl::expected<std::span<const std::uint8_t>, RdataError> RdataReader::read(
    dns::Type type, std::span<const std::string_view> tokens) {
    rdata_.clear();
    Words words(tokens);
    const RecordType* const known = find_record_type(type);
    const bool generic = !words.empty() && words.peek() == "\\#";
    const Done r = generic ? read_generic(known, words) : read_fields(known, words);
    if (!r)
        return tl::make_unexpected(RdataError{r.error().what, words.taken()});
    return rdata_;
}

Done RdataReader::read_fields(const RecordType* type, Words& words) {
    if (type == nullptr || type->fields().empty())
        return base::error("data of this type are written as \\# LENGTH HEX (RFC 3597)");
    for (const Field& field : type->fields()) {
        if (words.empty() && !may_be_missing(field.kind))
            return base::error(std::string(field.name) +
                               " is missing; the fields are: " + type->usage());
        if (auto r = read_field(field.kind, words); !r)
            return r;
    }
    if (!words.empty())
        return base::error("\"" + std::string(words.take()) +
                           "\" is too many; the fields are: " + type->usage());
    if (rdata_.size() > 0xffff)
        return base::error("the data is longer than 65535 octets");
    return {};
}

Done RdataReader::read_field(FieldKind kind, Words& words) {
    using enum FieldKind;
    switch (kind) {
        case u8:
            return append_number<std::uint8_t>(words.take(), rdata_);
        case u16:
            return append_number<std::uint16_t>(words.take(), rdata_);
        case u32:
            return append_number<std::uint32_t>(words.take(), rdata_);
        case algorithm:
            return append_number<std::uint8_t>(words.take(), rdata_, algorithms);
        case scheme:
            return append_number<std::uint8_t>(words.take(), rdata_, schemes);
        case certificate:
            return append_number<std::uint16_t>(words.take(), rdata_, certificates);
        case period:
            return read_period(words.take(), rdata_);
        case time:
            return read_time(words.take(), rdata_);
        case rr_type:
            return read_rr_type(words.take(), rdata_);
        case name:
            return read_name(words.take(), origin_, rdata_);
        case ipv4:
        case ipv6:
            return read_address(words.take(), kind == ipv4, rdata_);
        case string:
            return read_one_string(words.take(), rdata_);
        case optional_string:
            return words.empty() ? Done() : read_one_string(words.take(), rdata_);
        case strings:
            return read_string_list(words, rdata_);
        case digits:
            return read_digits(words.take(), rdata_);
        case target:
            if (words.peek() == "\"\"")
                return is_not(words.take(), "a URI");
            return read_text(words.take(), rdata_);
        case text:
            return read_text(words.take(), rdata_);
        case tag:
            return read_tag(words.take(), rdata_);
        case hex_or_zero:
        case base64_or_zero:
            if (words.left() == 1 && words.peek() == "0" &&
                rdata_[kind == hex_or_zero ? 2 : 3] == 0) {
                words.take();
                append8(rdata_, 0);
                return {};
            }
            return kind == hex_or_zero ? read_hex(words, rdata_) : read_base64(words, rdata_);
        case hex:
            return read_hex(words, rdata_);
        case zone_digest: {
            const std::size_t before = rdata_.size();
            if (auto r = read_hex(words, rdata_); !r)
                return r;
            return rdata_.size() - before >= min_zone_digest
                       ? Done()
                       : base::error("a digest has at least 12 octets");
        }
        case key_material:
            if (words.empty() && (rdata_[0] & 0xc0U) != 0xc0)
                return base::error("public-key is missing");
            return words.empty() ? Done() : read_base64(words, rdata_);
        case optional_base64:
            return words.empty() ? Done() : read_base64(words, rdata_);
        case base64_or_dash:
            if (words.left() == 1 && words.peek() == "-") {
                words.take();
                return {};
            }
            return read_base64(words, rdata_);
        case base64:
            return read_base64(words, rdata_);
        case salt:
            return read_salt(words.take(), rdata_);
        case hash:
            return read_counted(words.take(), read_base32hex_word, rdata_);
        case types:
            return read_types(words, rdata_);
        case nxt_types:
            return read_nxt_types(words, rdata_);
        case eui48:
            return read_eui(words.take(), 6, rdata_);
        case eui64:
            return read_eui(words.take(), 8, rdata_);
        case locator:
            return read_locator(words.take(), rdata_);
        case loc:
            return read_loc(words, rdata_);
        case apl:
            return read_apl(words, rdata_);
        case services:
            return read_services(words, rdata_);
        case nsap:
            return read_nsap(words.take(), rdata_);
        case atma:
            return read_atma(words.take(), rdata_);
        case a6:
            return read_a6(words, origin_, rdata_);
        case gateway:
            return read_gateway(words.take(), rdata_[1], origin_, rdata_);
        case discovery:
            return read_discovery(words, rdata_);
        case relay:
            return read_gateway(words.take(), rdata_[1] & 0x7fU, origin_, rdata_);
        case host_identity:
            return read_host_identity(words, origin_, rdata_);
        case parameters:
            return read_svc_params(words, rdata_);
    }
    return {};
}

// RFC 3597 §5: a length and that many octets in hexadecimal, in any number of words.
Done RdataReader::read_generic(const RecordType* type, Words& words) {
    words.take();
    const auto length =
        words.empty() ? std::nullopt : number_from_text<std::uint16_t>(words.take());
    if (!length)
        return base::error(
            "\\# takes a length from 0 to 65535 and that many octets in hexadecimal");
    if (!words.empty()) {
        if (auto r = read_hex(words, rdata_); !r)
            return r;
    }
    if (rdata_.size() != *length)
        return base::error("\\# says " + std::to_string(*length) + " octets, but " +
                           std::to_string(rdata_.size()) + " follow");
    return type != nullptr ? check_wire(*type, rdata_) : Done();
}

}  // namespace summond::zone
