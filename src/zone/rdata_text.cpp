#include "rdata_text.hpp"

#include <algorithm>
#include <array>

#include "record_types.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/key_file.hpp"

namespace summond::zone {

namespace {

using Octets = std::span<const std::uint8_t>;

std::string digits_of(Octets octets, unsigned bits, std::string_view alphabet) {
    std::string text;
    unsigned held = 0;
    std::uint32_t value = 0;
    for (const std::uint8_t octet : octets) {
        value = value << 8 | octet;
        held += 8;
        for (; held >= bits; held -= bits)
            text += alphabet[value >> (held - bits) & ((1U << bits) - 1)];
    }
    if (held > 0)
        text += alphabet[value << (bits - held) & ((1U << bits) - 1)];
    return text;
}

std::string hex_text(Octets octets) {
    return digits_of(octets, 4, "0123456789ABCDEF");
}

std::string base64_text(Octets octets) {
    std::string text =
        digits_of(octets, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

std::string escaped(std::uint8_t octet) {
    const std::string number = std::to_string(octet);
    return "\\" + std::string(3 - number.size(), '0') + number;
}

std::string string_text(Octets octets) {
    std::string text = "\"";
    for (const std::uint8_t octet : octets) {
        if (octet >= ' ' && octet < 0x7f) {
            if (octet == '"' || octet == '\\')
                text += '\\';
            text += static_cast<char>(octet);
        } else {
            text += escaped(octet);
        }
    }
    return text + "\"";
}

// In the case that it has: not all types have a canonical form without.
std::string name_text(Octets wire) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*/";
    std::string text;
    for (std::size_t at = 0; wire[at] != 0; at += 1U + wire[at]) {
        for (const std::uint8_t octet : wire.subspan(at + 1, wire[at]))
            text += plain.find(static_cast<char>(octet)) != std::string_view::npos
                        ? std::string(1, static_cast<char>(octet))
                        : escaped(octet);
        text += '.';
    }
    return text.empty() ? "." : text;
}

// Takes octets from RDATA, field by field.
class RdataWriter {
  public:
    explicit RdataWriter(Octets rdata) : left_(rdata) {}
    // False: the field is not written here, or does not fit.
    bool write(FieldKind kind);
    bool done() const { return left_.empty(); }
    std::string take() { return std::move(text_); }

  private:
    void add(const std::string& word) { (text_ += text_.empty() ? "" : " ") += word; }
    bool number(std::size_t size);
    bool address(std::size_t size);
    bool time();
    bool type();
    bool name();
    bool string();
    bool strings();
    bool rest(std::string (*to_text)(Octets));
    bool salt();
    bool hash();
    bool types();
    bool has(std::size_t size) const { return left_.size() >= size; }
    Octets take(std::size_t size) {
        const Octets taken = left_.first(size);
        left_ = left_.subspan(size);
        return taken;
    }

    Octets left_;
    std::string text_;
};

bool RdataWriter::number(std::size_t size) {
    if (!has(size))
        return false;
    std::uint32_t value = 0;
    for (const std::uint8_t octet : take(size))
        value = value << 8 | octet;
    add(std::to_string(value));
    return true;
}

bool RdataWriter::address(std::size_t size) {
    if (!has(size))
        return false;
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(take(size), bytes.begin());
    if (size == 16)
        add(base::IpAddress::v6(bytes).to_string());
    else
        add(base::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}).to_string());
    return true;
}

bool RdataWriter::time() {
    if (!has(4))
        return false;
    add(sign::time_text(dns::get32(take(4).data())));
    return true;
}

bool RdataWriter::type() {
    if (!has(2))
        return false;
    add(type_to_text(static_cast<dns::Type>(dns::get16(take(2).data()))));
    return true;
}

bool RdataWriter::name() {
    std::size_t size = 0;
    while (has(size + 1) && left_[size] != 0)
        size += 1U + left_[size];
    if (!has(size + 1))
        return false;
    add(name_text(take(size + 1)));
    return true;
}

bool RdataWriter::string() {
    if (!has(1) || !has(1U + left_[0]))
        return false;
    add(string_text(take(1U + left_[0]).subspan(1)));
    return true;
}

bool RdataWriter::strings() {
    while (!left_.empty())
        if (!string())
            return false;
    return true;
}

bool RdataWriter::rest(std::string (*to_text)(Octets)) {
    if (left_.empty())
        return false;
    add(to_text(take(left_.size())));
    return true;
}

bool RdataWriter::salt() {
    if (!has(1) || !has(1U + left_[0]))
        return false;
    const Octets octets = take(1U + left_[0]).subspan(1);
    add(octets.empty() ? "-" : hex_text(octets));
    return true;
}

bool RdataWriter::hash() {
    if (!has(1) || !has(1U + left_[0]))
        return false;
    add(digits_of(take(1U + left_[0]).subspan(1), 5, "0123456789ABCDEFGHIJKLMNOPQRSTUV"));
    return true;
}

bool RdataWriter::types() {
    while (!left_.empty()) {
        if (!has(2) || !has(2U + left_[1]))
            return false;
        const unsigned window = left_[0];
        const Octets bits = take(2U + left_[1]).subspan(2);
        for (unsigned bit = 0; bit < 8 * bits.size(); ++bit)
            if ((bits[bit / 8] & 0x80U >> bit % 8) != 0)
                add(type_to_text(static_cast<dns::Type>(window << 8 | bit)));
    }
    return true;
}

bool RdataWriter::write(FieldKind kind) {
    switch (kind) {
        case FieldKind::u8:
        case FieldKind::algorithm:
            return number(1);
        case FieldKind::u16:
            return number(2);
        case FieldKind::u32:
        case FieldKind::period:
            return number(4);
        case FieldKind::time:
            return time();
        case FieldKind::rr_type:
            return type();
        case FieldKind::name:
            return name();
        case FieldKind::ipv4:
            return address(4);
        case FieldKind::ipv6:
            return address(16);
        case FieldKind::string:
            return string();
        case FieldKind::strings:
            return strings();
        case FieldKind::hex:
        case FieldKind::hex_or_zero:
        case FieldKind::zone_digest:
            return rest(hex_text);
        case FieldKind::base64:
        case FieldKind::base64_or_zero:
            return rest(base64_text);
        case FieldKind::salt:
            return salt();
        case FieldKind::hash:
            return hash();
        case FieldKind::types:
            return types();
        default:
            return false;
    }
}

}  // namespace

std::string rdata_to_text(dns::Type type, Octets rdata) {
    const RecordType* const known = find_record_type(type);
    RdataWriter writer(rdata);
    if (known != nullptr && !known->fields().empty() &&
        std::ranges::all_of(known->fields(),
                            [&](const Field& field) { return writer.write(field.kind); }) &&
        writer.done())
        return writer.take();
    return "\\# " + std::to_string(rdata.size()) + (rdata.empty() ? "" : " " + hex_text(rdata));
}

}  // namespace summond::zone
