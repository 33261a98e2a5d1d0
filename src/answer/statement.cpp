#include "summond/answer/statement.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "summond/base/siphash.hpp"
#include "summond/dns/wire.hpp"

namespace summond::answer {

namespace {

using dns::Type;
using zone::image::NodeFlag;
using zone::image::RRset;

constexpr std::size_t rdata_offset = 12;  // of a record in the image: decision 0090

std::span<const std::uint8_t> first_rdata(const RRset& set) {
    return {set.records() + rdata_offset, dns::get16(set.records() + rdata_offset - 2)};
}

class Writer {
  public:
    Writer(const zone::Zones& zones, const Rules* rules, std::uint32_t zone,
           const dns::FoldedName& name, StatedRecord& record,
           const std::array<std::uint8_t, 4>& ipv4)
        : zones_(zones),
          rules_(rules),
          zone_(zones.zone(zone)),
          name_(name),
          record_(record),
          ipv4_(base::IpAddress::v4(ipv4)) {}

    bool write(Statement::Kind kind, std::uint32_t zone) {
        const auto* const chain = zones_.chain(zone);
        if (chain == nullptr || chain->compact == 0 || zone_.negative_soa == 0)
            return false;
        const auto found = zones_.find(name_);
        encloser_ = found.node;
        // What has records is signed already; what lies behind a cut or a DNAME is not here.
        if (found.exact || encloser_->zone != zone || encloser_->cut != 0 ||
            (encloser_->flags & NodeFlag::dname) != 0)
            return false;
        by_rule_ = rules_ == nullptr ? std::nullopt : rules_->find(*encloser_, name_);
        switch (kind) {
            case Statement::Kind::address:
                return write_address();
            case Statement::Kind::pointer:
                return write_pointer();
            case Statement::Kind::types:
                return write_types();
            case Statement::Kind::covered:
                return write_covered();
            case Statement::Kind::leased:
                return write_leased();
        }
        return false;
    }

  private:
    void own(Type type, std::uint32_t ttl) {
        record_.type = type;
        record_.ttl = ttl;
        record_.owner_size = name_.size;
        std::copy_n(name_.wire.begin(), name_.size, record_.owner.begin());
        record_.rdata_size = 0;
    }
    void append(std::span<const std::uint8_t> octets) {
        std::ranges::copy(octets, record_.rdata.begin() + record_.rdata_size);
        record_.rdata_size = static_cast<std::uint16_t>(record_.rdata_size + octets.size());
    }

    bool write_address() {
        if (!by_rule_ || by_rule_->kind != ByRule::Kind::instance)
            return false;
        own(Type::aaaa, by_rule_->rule->ttl);
        const auto address = by_rule_->rule->pattern->addresses->of(by_rule_->id);
        append(address.bytes());
        return true;
    }

    bool write_leased() {
        if (!by_rule_ || by_rule_->kind != ByRule::Kind::instance)
            return false;
        const auto& pool = by_rule_->rule->pattern->pool;
        if (!pool || !pool->contains(ipv4_))
            return false;
        own(Type::a, by_rule_->rule->ttl);
        append(ipv4_.bytes());
        return true;
    }

    bool write_pointer() {
        if (!by_rule_ || by_rule_->kind != ByRule::Kind::address)
            return false;
        own(Type::ptr, by_rule_->rule->ttl);
        dns::NameBuffer target;
        append({target.data(), by_rule_->rule->write_target(by_rule_->of_address.view(), target)});
        return true;
    }

    // RFC 9824 §3. All types are below 256: one window.
    void append_types(std::initializer_list<Type> types) {
        std::array<std::uint8_t, 2 + 32> window{};
        for (const Type type : types) {
            const auto bit = static_cast<std::size_t>(type);
            auto& octet = window[2 + bit / 8];
            octet = static_cast<std::uint8_t>(octet | 0x80U >> bit % 8);
            window[1] = std::max(window[1], static_cast<std::uint8_t>(bit / 8 + 1));
        }
        append(std::span(window).first(2U + window[1]));
    }

    // RFC 2308 §5, RFC 9077 §3: as long as the SOA of a denial.
    std::uint32_t denial_ttl() const {
        return dns::get32(zones_.at<RRset>(zone_.negative_soa)->records() + 6);
    }

    bool write_types() {
        own(Type::nsec, denial_ttl());
        dns::NameBuffer next;
        append({next.data(), dns::next_name(name_, next)});
        if (by_rule_) {
            switch (by_rule_->kind) {
                case ByRule::Kind::instance:
                    if (by_rule_->rule->pattern->pool)
                        append_types({Type::a, Type::aaaa, Type::rrsig, Type::nsec});
                    else
                        append_types({Type::aaaa, Type::rrsig, Type::nsec});
                    return true;
                case ByRule::Kind::address:
                    append_types({Type::ptr, Type::rrsig, Type::nsec});
                    return true;
                case ByRule::Kind::above_addresses:
                    append_types({Type::rrsig, Type::nsec});
                    return true;
                case ByRule::Kind::below_instance:
                    break;
            }
        } else if (encloser_->wildcard != 0) {
            return append_types_of(*zones_.at<zone::image::Node>(encloser_->wildcard));
        }
        append_types({Type::rrsig, Type::nsec, Type::nxname});
        return true;
    }

    // As its own NSEC record has them.
    bool append_types_of(const zone::image::Node& node) {
        const RRset* const set = node.find(Type::nsec);
        if (set == nullptr)
            return false;
        auto rdata = first_rdata(*set);
        while (rdata[0] != 0)
            rdata = rdata.subspan(1U + rdata[0]);
        if (rdata.size() - 1 > record_.rdata.size() - record_.rdata_size)
            return false;
        append(rdata.subspan(1));
        return true;
    }

    // From shortly before the name that is directly below the encloser to shortly behind all that
    // is below it, so that the encloser is seen to be one (RFC 4470 §3).
    bool write_covered() {
        if (by_rule_ || encloser_->wildcard == 0)
            return false;
        own(Type::nsec, denial_ttl());
        std::size_t labels = 1;
        while (name_.suffix_size(labels) <= encloser_->name_size)
            ++labels;
        record_.owner_size =
            static_cast<std::uint16_t>(dns::previous_sibling(name_, labels, record_.owner));
        if (record_.owner_size == 0)
            return false;
        dns::NameBuffer next;
        append({next.data(), dns::next_sibling(name_, labels, next)});
        append_types({Type::rrsig, Type::nsec});
        return true;
    }

    const zone::Zones& zones_;
    const Rules* const rules_;
    const zone::image::ZoneRecord& zone_;
    const dns::FoldedName& name_;
    StatedRecord& record_;
    const base::IpAddress ipv4_;
    const zone::image::Node* encloser_ = nullptr;
    std::optional<ByRule> by_rule_;
};

// As an RRSIG counts them (RFC 4034 §3.1.3).
std::uint8_t labels_of(std::span<const std::uint8_t> name) {
    std::uint8_t labels = 0;
    if (name[0] == 1 && name[1] == '*')
        name = name.subspan(2);
    for (; name[0] != 0; name = name.subspan(1U + name[0]))
        ++labels;
    return labels;
}

}  // namespace

std::uint64_t StatedRecord::content() const noexcept {
    constexpr std::array<std::uint8_t, 16> key{};
    std::array<std::uint8_t, 6 + dns::max_name_size + max_rdata> octets;
    dns::put16(octets.data(), static_cast<std::uint16_t>(type));
    dns::put32(&octets[2], ttl);
    auto end = std::copy_n(owner.begin(), owner_size, octets.begin() + 6);
    end = std::copy_n(rdata.begin(), rdata_size, end);
    const auto hash = base::siphash_2_4({octets.begin(), end}, key);
    std::uint64_t word;
    std::memcpy(&word, hash.data(), sizeof word);
    return word;
}

bool state(const zone::Zones& zones, const Rules* rules, std::uint32_t zone, Statement::Kind kind,
           const dns::FoldedName& name, StatedRecord& record,
           const std::array<std::uint8_t, 4>& ipv4) noexcept {
    return Writer(zones, rules, zone, name, record, ipv4).write(kind, zone);
}

std::size_t write_rrsig(const StatedRecord& record, const SignatureFields& fields,
                        std::span<const std::uint8_t> apex, std::span<const std::uint8_t> signature,
                        RrsigRdata& rdata) noexcept {
    dns::put16(rdata.data(), static_cast<std::uint16_t>(record.type));
    rdata[2] = fields.algorithm;
    rdata[3] = labels_of(record.owner_octets());
    dns::put32(&rdata[4], record.ttl);
    dns::put32(&rdata[8], fields.expiration);
    dns::put32(&rdata[12], fields.inception);
    dns::put16(&rdata[16], fields.key_tag);
    auto end = std::ranges::copy(apex, rdata.begin() + 18).out;
    end = std::ranges::copy(signature, end).out;
    return static_cast<std::size_t>(end - rdata.begin());
}

}  // namespace summond::answer
