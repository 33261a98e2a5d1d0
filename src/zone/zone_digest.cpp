#include "zone_digest.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "canonical_rdata.hpp"
#include "summond/dns/canonical.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/digest.hpp"

namespace summond::zone {

namespace {

using Octets = std::vector<std::uint8_t>;

// RFC 8976 §2.2: serial, scheme, hash algorithm, digest.
constexpr std::size_t digest_offset = 6;
constexpr std::uint8_t scheme_simple = 1;

struct Algorithm {
    std::uint8_t number;
    std::size_t size;
    sign::Digest::Algorithm algorithm;
    const char* name;
};
constexpr std::array algorithms{
    Algorithm{1, 48, sign::Digest::Algorithm::sha384, "SHA-384"},
    Algorithm{2, 64, sign::Digest::Algorithm::sha512, "SHA-512"},
};

bool is_digest(const Record& record) {
    return record.owner == 0 && record.type == dns::Type::zonemd;
}

// RFC 8976 §3.3: all records but those about the digest itself, in canonical form and order, each
// once.
class InOrder {
  public:
    explicit InOrder(const ZoneData& zone);
    Octets digest(sign::Digest::Algorithm algorithm) const;

  private:
    struct Item {
        const Record* record;
        std::uint32_t rank;  // of its owner, in canonical order
        sign::Bytes rdata;
    };
    const ZoneData& zone_;
    std::vector<Octets> changed_;
    std::vector<Item> items_;
};

// Places of owners in canonical order.
std::vector<std::uint32_t> ranks_of(const ZoneData& zone) {
    const auto name = [&zone](std::uint32_t owner) {
        const auto wire = zone.owners[owner].name;
        dns::FoldedName folded;
        folded.assign({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()});
        return folded;
    };
    const std::size_t apex_labels = name(0).labels;
    struct Place {
        std::uint64_t key;
        std::uint32_t owner;
    };
    std::vector<Place> places(zone.owners.size());
    for (std::uint32_t i = 0; i < places.size(); ++i)
        places[i] = {dns::canonical_key(name(i), apex_labels), i};
    std::ranges::sort(places, [&](const Place& a, const Place& b) {
        return a.key != b.key
                   ? a.key < b.key
                   : dns::compare_canonical(name(a.owner), name(b.owner), apex_labels) < 0;
    });
    std::vector<std::uint32_t> ranks(places.size());
    for (std::uint32_t i = 0; i < places.size(); ++i)
        ranks[places[i].owner] = i;
    return ranks;
}

InOrder::InOrder(const ZoneData& zone) : zone_(zone) {
    const auto ranks = ranks_of(zone);
    changed_.reserve(zone.records.size());  // items refer to them
    for (const Record& record : zone.records) {
        const bool about_digest = record.owner == 0 && record.type == dns::Type::rrsig &&
                                  zone.covered_by(record) == dns::Type::zonemd;
        if (is_digest(record) || about_digest)
            continue;
        sign::Bytes rdata = zone.rdata(record);
        if (has_canonical_form(record.type)) {
            changed_.emplace_back(rdata.begin(), rdata.end());
            make_canonical(record.type, changed_.back());
            rdata = changed_.back();
        }
        items_.push_back({&record, ranks[record.owner], rdata});
    }
    const auto key = [](const Item& item) { return std::pair(item.rank, item.record->type); };
    std::ranges::sort(items_, [&key](const Item& a, const Item& b) {
        return key(a) != key(b) ? key(a) < key(b)
                                : std::ranges::lexicographical_compare(a.rdata, b.rdata);
    });
    const auto same = [&key](const Item& a, const Item& b) {
        return key(a) == key(b) && std::ranges::equal(a.rdata, b.rdata);
    };
    items_.erase(std::unique(items_.begin(), items_.end(), same), items_.end());
}

Octets InOrder::digest(sign::Digest::Algorithm algorithm) const {
    sign::Digest digest(algorithm);
    for (const Item& item : items_) {
        const auto owner = zone_.owners[item.record->owner].name;
        std::array<std::uint8_t, 10> fixed;
        dns::put16(&fixed[0], static_cast<std::uint16_t>(item.record->type));
        dns::put16(&fixed[2], static_cast<std::uint16_t>(dns::Class::in));
        dns::put32(&fixed[4], item.record->ttl);
        dns::put16(&fixed[8], item.record->rdata_size);
        digest.add({reinterpret_cast<const std::uint8_t*>(owner.data()), owner.size()});
        digest.add(fixed);
        digest.add(item.rdata);
    }
    return digest.finish();
}

// What is wrong with it; empty: it is right.
std::string fault_of(const ZoneData& zone, const Record& record, const Algorithm& algorithm,
                     std::uint32_t serial, std::optional<InOrder>& in_order) {
    const auto rdata = zone.rdata(record);
    const std::uint32_t of_serial = dns::get32(rdata.data());
    if (of_serial != serial)
        return "is of serial " + std::to_string(of_serial) + ", and the zone has " +
               std::to_string(serial);
    const auto same_kind = [&](const Record& other) {
        return is_digest(other) &&
               std::ranges::equal(zone.rdata(other).subspan(4, 2), rdata.subspan(4, 2)) &&
               !std::ranges::equal(zone.rdata(other), rdata);
    };
    if (std::ranges::any_of(zone.records, same_kind))
        return "is one of two of its kind, of which RFC 8976 believes neither";
    const auto digest = rdata.subspan(digest_offset);
    if (digest.size() != algorithm.size)
        return "has " + std::to_string(digest.size()) + " octets, where " + algorithm.name +
               " has " + std::to_string(algorithm.size);
    if (!in_order)
        in_order.emplace(zone);
    return std::ranges::equal(digest, in_order->digest(algorithm.algorithm))
               ? ""
               : "is not that of the zone, of which something has been changed or lost";
}

}  // namespace

// RFC 8976 §4: one that is right suffices.
void check_digest(const ZoneData& zone, Report& report) {
    const auto soa = std::ranges::find_if(zone.records, [](const Record& record) {
        return record.owner == 0 && record.type == dns::Type::soa;
    });
    if (soa == zone.records.end())
        return;
    const auto soa_rdata = zone.rdata(*soa);
    const std::uint32_t serial = dns::get32(&soa_rdata[soa_rdata.size() - serial_before_end]);
    std::optional<InOrder> in_order;
    const Record* wrong = nullptr;
    std::string fault;
    for (const Record& record : zone.records) {
        if (!is_digest(record))
            continue;
        const auto rdata = zone.rdata(record);
        const auto algorithm = std::ranges::find(algorithms, rdata[5], &Algorithm::number);
        if (rdata[4] != scheme_simple || algorithm == algorithms.end())
            continue;
        std::string what = fault_of(zone, record, *algorithm, serial, in_order);
        if (what.empty())
            return;
        if (wrong == nullptr) {
            wrong = &record;
            fault = std::move(what);
        }
    }
    if (wrong != nullptr)
        report.error(wrong->where, "ZONEMD: the digest " + fault +
                                       "; take the zone anew from where it is made, or make the "
                                       "digest anew");
}

void drop_digest(ZoneData& zone) {
    std::erase_if(zone.records, is_digest);
}

}  // namespace summond::zone
