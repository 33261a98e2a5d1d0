#include "rdata.hpp"

#include <ldns/ldns.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

#include "summond/base/ip_address.hpp"
#include "summond/dns/wire.hpp"

namespace summond::zone {

namespace {

struct FreeRecord {
    void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};
using RecordPtr = std::unique_ptr<ldns_rr, FreeRecord>;

template <typename Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, problem] = std::from_chars(text.begin(), text.end(), value);
    if (problem != std::errc() || end != text.end())
        return std::nullopt;
    return value;
}

tl::unexpected<base::Error> not_a_number(std::string_view text, std::uint64_t limit) {
    return base::error("\"" + std::string(text) + "\" is not a number from 0 to " +
                       std::to_string(limit));
}

// Not a mnemonic.
bool is_numeric(std::string_view text) {
    return text.find_first_of("0123456789+-") == 0;
}

void append_field(const ldns_rdf* field, std::vector<std::uint8_t>& rdata) {
    const std::uint8_t* data = ldns_rdf_data(field);
    rdata.insert(rdata.end(), data, data + ldns_rdf_size(field));
}

// How many numbers of 16 bits stand before the one name of RDATA; nothing: it is not of that form.
// Most of what large zones have besides addresses is; ldns takes several times as long.
std::optional<std::size_t> numbers_before_name(dns::Type type) {
    switch (type) {
        case dns::Type::ns:
        case dns::Type::cname:
        case dns::Type::ptr:
        case dns::Type::dname:
            return 0;
        case dns::Type::mx:
            return 1;
        case dns::Type::srv:
            return 3;
        default:
            return std::nullopt;
    }
}

// Fields of one word each, as they stand at the beginning of a record's data. What ldns would get
// wrong in them is seen to here: it keeps the low bits of a number that is too large, and takes a
// first label that is an escaped "@" for the origin.
class LeadingFields {
  public:
    LeadingFields(dns::Type type, const dns::Name& origin)
        : descriptor_(ldns_rr_descript(static_cast<std::uint16_t>(type))), origin_(origin) {}

    // Names, and numbers that ldns might refuse, are taken out of the tokens, which get something
    // else instead.
    base::Result<void> read(std::span<std::string_view> tokens);
    void append(const ldns_rr* record, std::vector<std::uint8_t>& rdata) const;

  private:
    const ldns_rr_descriptor* descriptor_;
    const dns::Name& origin_;
    std::vector<std::string> taken_;  // in wire format; empty: left to ldns
};

base::Result<void> LeadingFields::read(std::span<std::string_view> tokens) {
    const std::size_t fields = ldns_rr_descriptor_maximum(descriptor_);
    for (std::size_t i = 0; i < std::min(tokens.size(), fields); ++i) {
        std::uint64_t limit = 0;
        switch (ldns_rr_descriptor_field_type(descriptor_, i)) {
            case LDNS_RDF_TYPE_INT8:
                limit = 0xff;
                break;
            case LDNS_RDF_TYPE_INT16:
                limit = 0xffff;
                break;
            case LDNS_RDF_TYPE_INT32:
                limit = 0xffffffff;
                break;
            case LDNS_RDF_TYPE_DNAME: {
                // Data keeps the case of its letters (RFC 4343 §4.1).
                dns::NameBuffer name;
                const auto size = dns::parse_name(tokens[i], origin_.wire(), dns::Case::keep, name);
                if (!size)
                    return tl::make_unexpected(size.error());
                taken_.resize(i);
                taken_.emplace_back(name.begin(), name.begin() + *size);
                tokens[i] = ".";
                continue;
            }
            // A mnemonic or a number; ldns takes no 0, which is reserved but no syntax error (RFC
            // 4398 §2.1), and loses memory over it.
            case LDNS_RDF_TYPE_CERT_ALG:
                if (!is_numeric(tokens[i]))
                    continue;
                if (const auto value = number<std::uint16_t>(tokens[i])) {
                    taken_.resize(i);
                    taken_.push_back({static_cast<char>(*value >> 8), static_cast<char>(*value)});
                    tokens[i] = "1";
                    continue;
                }
                return not_a_number(tokens[i], 0xffff);
            case LDNS_RDF_TYPE_ALG:
                if (!is_numeric(tokens[i]))
                    continue;
                limit = 0xff;
                break;
            case LDNS_RDF_TYPE_A:
            case LDNS_RDF_TYPE_AAAA:
            case LDNS_RDF_TYPE_STR:
            case LDNS_RDF_TYPE_TYPE:
                continue;
            // Fields of more tokens than one: those behind cannot be told apart from here.
            default:
                return {};
        }
        const auto value = number<std::uint64_t>(tokens[i]);
        if (!value || *value > limit)
            return not_a_number(tokens[i], limit);
    }
    return {};
}

void LeadingFields::append(const ldns_rr* record, std::vector<std::uint8_t>& rdata) const {
    for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
        if (i < taken_.size() && !taken_[i].empty()) {
            rdata.insert(rdata.end(), taken_[i].begin(), taken_[i].end());
            continue;
        }
        append_field(ldns_rr_rdf(record, i), rdata);
    }
}

// Appends the <character-string>s of one word, of which quotation marks may make several. ldns's
// own reader of whole records takes no more than 65535 characters of text, which is less than the
// octets that they may stand for.
base::Result<void> append_strings(std::string_view word, std::vector<std::uint8_t>& rdata) {
    while (!word.empty()) {
        const bool quoted = word[0] == '"';
        word.remove_prefix(quoted ? 1 : 0);
        std::size_t size = 0;
        while (size < word.size() && word[size] != '"')
            size += word[size] == '\\' ? 2 : 1;
        size = std::min(size, word.size());
        ldns_rdf* parsed = nullptr;
        const ldns_status status =
            ldns_str2rdf_str(&parsed, std::string(word.substr(0, size)).c_str());
        if (status == LDNS_STATUS_INVALID_STR)
            return base::error("a string is longer than 255 octets");
        if (status != LDNS_STATUS_OK)
            return base::error(ldns_get_errorstr_by_id(status));
        append_field(parsed, rdata);
        ldns_rdf_deep_free(parsed);
        word.remove_prefix(std::min(size + (quoted ? 1 : 0), word.size()));
    }
    return {};
}

}  // namespace

std::optional<dns::Type> type_from_text(std::string_view text) {
    if (text == "A")
        return dns::Type::a;
    if (text == "AAAA")
        return dns::Type::aaaa;
    // RFC 3597 §5, in any case of letters; ldns would take numbers of any size.
    if (text.size() > 4 && ::strncasecmp(text.data(), "TYPE", 4) == 0) {
        const auto value = number<std::uint16_t>(text.substr(4));
        return value ? std::optional(static_cast<dns::Type>(*value)) : std::nullopt;
    }
    const auto type = ldns_get_rr_type_by_name(std::string(text).c_str());
    return type == 0 ? std::nullopt : std::optional(static_cast<dns::Type>(type));
}

std::string type_to_text(dns::Type type) {
    const std::unique_ptr<char, decltype(&std::free)> text(
        ldns_rr_type2str(static_cast<ldns_rr_type>(type)), &std::free);
    return text ? text.get() : "TYPE" + std::to_string(static_cast<unsigned>(type));
}

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

struct RdataReader::Origin {
    ldns_rdf* name = nullptr;
    ~Origin() { ldns_rdf_deep_free(name); }
};

RdataReader::RdataReader() : ldns_origin_(std::make_unique<Origin>()) {
    set_origin(dns::Name());
}
RdataReader::~RdataReader() = default;

void RdataReader::set_origin(const dns::Name& origin) {
    origin_ = origin;
    ldns_rdf_deep_free(ldns_origin_->name);
    ldns_origin_->name =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin.wire().size(), origin.wire().data());
}

base::Result<std::span<const std::uint8_t>> RdataReader::read(
    dns::Type type, std::span<const std::string_view> tokens) {
    rdata_.clear();
    if (!tokens.empty() && tokens[0] == "\\#")
        return read_generic(type, tokens.subspan(1));
    // Most records of a large zone; ldns takes several times as long.
    if ((type == dns::Type::a || type == dns::Type::aaaa) && tokens.size() == 1) {
        const auto address = base::IpAddress::parse(tokens[0]);
        if (!address || address->is_v4() != (type == dns::Type::a))
            return base::error("\"" + std::string(tokens[0]) + "\" is not an " +
                               (type == dns::Type::a ? "IPv4" : "IPv6") + " address");
        rdata_.assign(address->bytes().begin(), address->bytes().end());
        return rdata_;
    }
    if (type == dns::Type::txt && !tokens.empty())
        return read_strings(tokens);
    if (const auto numbers = numbers_before_name(type); numbers && tokens.size() == *numbers + 1)
        return read_numbers_and_name(tokens);
    words_.assign(tokens.begin(), tokens.end());
    LeadingFields fields(type, origin_);
    if (auto r = fields.read(words_); !r)
        return tl::make_unexpected(std::move(r.error()));
    line_ = ". 0 IN " + type_to_text(type);
    for (const std::string_view token : words_) {
        line_ += ' ';
        line_ += token;
    }
    ldns_rr* parsed = nullptr;
    const ldns_status status =
        ldns_rr_new_frm_str(&parsed, line_.c_str(), 0, ldns_origin_->name, nullptr);
    if (status != LDNS_STATUS_OK)
        return base::error(ldns_get_errorstr_by_id(status));
    const RecordPtr record(parsed);
    fields.append(parsed, rdata_);
    if (rdata_.size() > 0xffff)
        return base::error("the data is longer than 65535 octets");
    return rdata_;
}

base::Result<std::span<const std::uint8_t>> RdataReader::read_numbers_and_name(
    std::span<const std::string_view> tokens) {
    for (const std::string_view token : tokens.first(tokens.size() - 1)) {
        const auto value = number<std::uint16_t>(token);
        if (!value)
            return not_a_number(token, 0xffff);
        rdata_.resize(rdata_.size() + 2);
        dns::put16(&rdata_[rdata_.size() - 2], *value);
    }
    // Data keeps the case of its letters (RFC 4343 §4.1).
    dns::NameBuffer name;
    const auto size = dns::parse_name(tokens.back(), origin_.wire(), dns::Case::keep, name);
    if (!size)
        return tl::make_unexpected(size.error());
    rdata_.insert(rdata_.end(), name.begin(), name.begin() + *size);
    return rdata_;
}

base::Result<std::span<const std::uint8_t>> RdataReader::read_strings(
    std::span<const std::string_view> tokens) {
    for (const std::string_view token : tokens) {
        if (const auto r = append_strings(token, rdata_); !r)
            return tl::make_unexpected(r.error());
    }
    if (rdata_.size() > 0xffff)
        return base::error("the data is longer than 65535 octets");
    return rdata_;
}

// RFC 3597 §5: a length and that many octets in hexadecimal, in any number of words.
base::Result<std::span<const std::uint8_t>> RdataReader::read_generic(
    dns::Type type, std::span<const std::string_view> tokens) {
    const auto length = tokens.empty() ? std::nullopt : number<std::uint16_t>(tokens[0]);
    if (!length)
        return base::error(
            "\\# takes a length from 0 to 65535 and that many octets in hexadecimal");
    std::string digits;
    for (const std::string_view token : tokens.subspan(1))
        digits += token;
    // A record with the root as its owner, so that ldns can check it as it came from the wire.
    std::vector<std::uint8_t> wire(11);
    dns::put16(&wire[1], static_cast<std::uint16_t>(type));
    dns::put16(&wire[3], static_cast<std::uint16_t>(dns::Class::in));
    dns::put16(&wire[9], *length);
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        std::uint8_t octet = 0;
        const char* begin = digits.data() + i;
        if (const auto [end, problem] = std::from_chars(begin, begin + 2, octet, 16);
            problem != std::errc() || end != begin + 2)
            return base::error("\"" + digits.substr(i, 2) + "\" is not an octet in hexadecimal");
        wire.push_back(octet);
    }
    if (digits.size() != std::size_t{*length} * 2)
        return base::error("\\# says " + std::to_string(*length) + " octets, but " +
                           std::to_string(digits.size()) + " hexadecimal digits follow");
    const ldns_rr_descriptor* descriptor = ldns_rr_descript(static_cast<std::uint16_t>(type));
    if (ldns_rr_descriptor_minimum(descriptor) == 0 || type_to_text(type).starts_with("TYPE")) {
        rdata_.assign(wire.begin() + 11, wire.end());
        return rdata_;
    }
    ldns_rr* parsed = nullptr;
    std::size_t at = 0;
    const ldns_status status =
        ldns_wire2rr(&parsed, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER);
    if (status != LDNS_STATUS_OK)
        return base::error(ldns_get_errorstr_by_id(status));
    const RecordPtr record(parsed);
    for (std::size_t i = 0; i < ldns_rr_rd_count(parsed); ++i) {
        append_field(ldns_rr_rdf(parsed, i), rdata_);
    }
    // ldns follows compression pointers, which RDATA of this form does not have.
    if (ldns_rr_rd_count(parsed) < ldns_rr_descriptor_minimum(descriptor) ||
        !std::equal(rdata_.begin(), rdata_.end(), wire.begin() + 11, wire.end()))
        return base::error("the octets are not the data of a " + type_to_text(type) + " record");
    return rdata_;
}

}  // namespace summond::zone
