#include "rdata_wire.hpp"

#include <algorithm>

#include "summond/dns/name.hpp"
#include "summond/dns/wire.hpp"
#include "svc_params.hpp"

namespace summond::zone {

namespace {

using Wire = std::span<const std::uint8_t>;

class Checker {
  public:
    explicit Checker(Wire rdata) : all_(rdata), rest_(rdata) {}

    // Takes the field. False: it is not there, or wrong.
    bool take(FieldKind kind);
    Wire rest() const { return rest_; }

  private:
    bool skip(std::size_t octets) {
        if (rest_.size() < octets)
            return false;
        rest_ = rest_.subspan(octets);
        return true;
    }
    bool all_the_rest(bool may_be_empty) {
        const bool there = may_be_empty || !rest_.empty();
        rest_ = {};
        return there;
    }
    // A string with its length before it.
    bool take_string(std::size_t shortest = 0) {
        return !rest_.empty() && rest_[0] >= shortest && skip(1U + rest_[0]);
    }
    // Octets of a number before the field at hand.
    std::uint8_t octet_before(std::size_t distance) const {
        return all_[all_.size() - rest_.size() - distance];
    }
    bool take_name();
    bool take_types();
    bool take_nxt_types();
    bool take_tag();
    bool take_digits();
    bool take_loc();
    bool take_apl();
    bool take_a6();
    bool take_gateway(unsigned type);
    bool take_host_identity();

    const Wire all_;
    Wire rest_;
};

// No compression pointers: RDATA of this form has no message to point into.
bool Checker::take_name() {
    std::size_t at = 0;
    while (at < rest_.size() && rest_[at] != 0 && rest_[at] <= dns::max_label_size)
        at += 1U + rest_[at];
    return at < rest_.size() && rest_[at] == 0 && at < dns::max_name_size && skip(at + 1);
}

// RFC 4034 §4.1.2, RFC 3597 §4: windows in order, of 1 to 32 octets, the last one not zero.
bool Checker::take_types() {
    int last = -1;
    while (!rest_.empty()) {
        const int window = rest_[0];
        if (rest_.size() < 2 || window <= last || rest_[1] == 0 || rest_[1] > 32 ||
            rest_.size() < 2U + rest_[1] || rest_[1U + rest_[1]] == 0)
            return false;
        last = window;
        skip(2U + rest_[1]);
    }
    return true;
}

// RFC 2535 §5.2: the bit of type 0 says that the rest has another format.
bool Checker::take_nxt_types() {
    return !rest_.empty() &&
           ((rest_[0] & 0x80U) != 0 || (rest_.size() <= 16 && rest_.back() != 0)) &&
           all_the_rest(false);
}

bool Checker::take_tag() {
    const Wire begin = rest_;
    return take_string(1) && std::ranges::all_of(begin.subspan(1, begin[0]), [](std::uint8_t c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
           });
}

bool Checker::take_digits() {
    const Wire begin = rest_;
    return take_string(4) && std::ranges::all_of(begin.subspan(1, begin[0]), [](std::uint8_t c) {
               return c >= '0' && c <= '9';
           });
}

bool Checker::take_loc() {
    constexpr std::size_t octets = 16;
    if (rest_.size() != octets)
        return false;
    const auto angle_ok = [&](std::size_t at, std::int64_t degrees) {
        return std::abs(std::int64_t{dns::get32(&rest_[at])} - (std::int64_t{1} << 31)) <=
               degrees * 3'600'000;
    };
    // Version 0; a size is a digit and a number of zeros up to 9.
    return rest_[0] == 0 && angle_ok(4, 90) && angle_ok(8, 180) &&
           std::ranges::all_of(
               rest_.subspan(1, 3),
               [](std::uint8_t size) { return size >> 4 <= 9 && (size & 0xf) <= 9; }) &&
           skip(octets);
}

bool Checker::take_apl() {
    constexpr std::size_t before_address = 4;
    while (!rest_.empty()) {
        if (rest_.size() < before_address)
            return false;
        const unsigned family = dns::get16(rest_.data());
        const unsigned length = rest_[2];
        const unsigned size = rest_[3] & 0x7f;
        const unsigned longest = family == 1 ? 4 : family == 2 ? 16 : size;
        if (size > longest || (family <= 2 && length > 8 * longest) ||
            rest_.size() < before_address + size ||
            (size > 0 && rest_[before_address + size - 1] == 0))
            return false;
        skip(before_address + size);
    }
    return true;
}

bool Checker::take_a6() {
    if (rest_.empty() || rest_[0] > 128)
        return false;
    const unsigned prefix = rest_[0];
    return skip(1) && skip((128 - prefix + 7) / 8) && (prefix == 0 || take_name());
}

bool Checker::take_gateway(unsigned type) {
    switch (type) {
        case 0:
            return true;
        case 1:
            return skip(4);
        case 2:
            return skip(16);
        case 3:
            return take_name();
        default:  // of a meaning that is not known
            return all_the_rest(true);
    }
}

bool Checker::take_host_identity() {
    if (rest_.size() < 4)
        return false;
    const std::size_t hit = rest_[0];
    const std::size_t key = dns::get16(&rest_[2]);
    if (hit == 0 || key == 0 || !skip(4 + hit + key))
        return false;
    while (!rest_.empty()) {
        if (!take_name())
            return false;
    }
    return true;
}

bool Checker::take(FieldKind kind) {
    using enum FieldKind;
    switch (kind) {
        case u8:
        case algorithm:
        case scheme:
        case discovery:
            return skip(1);
        case u16:
        case rr_type:
        case certificate:
            return skip(2);
        case u32:
        case period:
        case time:
        case ipv4:
            return skip(4);
        case eui48:
            return skip(6);
        case eui64:
        case locator:
            return skip(8);
        case ipv6:
            return skip(16);
        case name:
            return take_name();
        case string:
        case salt:
            return take_string();
        case hash:
            return take_string(1);
        case optional_string:
            return rest_.empty() || take_string();
        case strings:
            do {
                if (!take_string())
                    return false;
            } while (!rest_.empty());
            return true;
        case digits:
            return take_digits();
        case tag:
            return take_tag();
        case text:
        case key_material:
        case optional_base64:
        case base64_or_dash:
            return all_the_rest(true);
        case zone_digest:
            return rest_.size() >= min_zone_digest && all_the_rest(false);
        case target:
        case hex:
        case hex_or_zero:
        case base64:
        case base64_or_zero:
        case nsap:
            return all_the_rest(false);
        case types:
            return take_types();
        case nxt_types:
            return take_nxt_types();
        case loc:
            return take_loc();
        case apl:
            return take_apl();
        case services:  // a protocol, and a bit for each of 65536 ports at most
            return rest_.size() <= 1 + 8192 && all_the_rest(false);
        case atma:  // a format and an address
            return skip(1) && all_the_rest(false);
        case a6:
            return take_a6();
        case gateway:  // behind type and algorithm
            return take_gateway(octet_before(2));
        case relay:  // behind the D-bit and the type
            return take_gateway(octet_before(1) & 0x7fU);
        case host_identity:
            return take_host_identity();
        case parameters:
            return all_the_rest(true);
    }
    return false;
}

}  // namespace

base::Result<void> check_wire(const RecordType& type, std::span<const std::uint8_t> rdata) {
    Checker checker(rdata);
    for (const Field& field : type.fields()) {
        if (field.kind == FieldKind::parameters) {
            if (auto r = check_svc_params(checker.rest()); !r)
                return r;
        }
        if (!checker.take(field.kind))
            return base::error("the octets are no data of this type: " + std::string(field.name) +
                               " is missing or wrong");
    }
    if (!checker.rest().empty() && !type.fields().empty())
        return base::error("the octets are more than the data of this type");
    return {};
}

}  // namespace summond::zone
