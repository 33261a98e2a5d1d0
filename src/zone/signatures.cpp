#include "signatures.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "record_types.hpp"
#include "signed_sets.hpp"
#include "summond/dns/folded_name.hpp"
#include "summond/sign/key_schedule.hpp"
#include "summond/sign/signature.hpp"

namespace summond::zone {

namespace {

using dns::Type;

constexpr std::int64_t warn_before = 7 * 86400;  // seconds; who signs by himself does so earlier

class Checker {
  public:
    Checker(ZoneData& zone, SignatureCheck& check, Report& report)
        : zone_(zone), check_(check), report_(report) {}
    void run();

  private:
    struct Key {
        std::uint16_t tag;
        std::uint8_t algorithm;
        std::optional<sign::PublicKey> key;  // none: of an algorithm that cannot be computed here
    };
    // From the best to the worst.
    enum class State : std::uint8_t { valid, early, expired, wrong };
    struct Verdict {
        State state = State::wrong;
        std::int64_t time = 0;  // from which on it is valid (early), or until (valid, expired)
        std::string problem;    // of one that is wrong
    };

    void read_keys();
    void check_set(const Owner& owner, std::span<const Record> set);
    Verdict judge(const Owner& owner, std::span<const Record> set, const Record& record);
    bool verifies(const Owner& owner, std::span<const Record> set, sign::Bytes rrsig,
                  const sign::Rrsig& fields, const Key& key);
    std::int64_t full_time(std::uint32_t time) const {
        return check_.now +
               static_cast<std::int32_t>(time - static_cast<std::uint32_t>(check_.now));
    }

    ZoneData& zone_;
    SignatureCheck& check_;
    Report& report_;
    std::vector<Key> keys_;
    struct Earliest {
        std::int64_t time = 0;
        Where where;
        std::size_t sets = 0;  // of which it is the earliest; 0: there is none
    };
    void tell_times(const std::string& zone);
    std::array<Earliest, 3> earliest_;  // by State, but for wrong ones
};

void Checker::read_keys() {
    for (const Record& record : zone_.records_of(zone_.owners[0], Type::dnskey)) {
        const auto rdata = zone_.rdata(record);
        constexpr std::uint8_t protocol = 3;  // RFC 4034 §2.1.2
        const auto flags = static_cast<std::uint16_t>(rdata[0] << 8 | rdata[1]);
        if ((flags & sign::flag_zone) == 0 || rdata[2] != protocol)
            continue;
        keys_.push_back({sign::key_tag(rdata), rdata[3], sign::PublicKey::from_dnskey(rdata)});
    }
}

bool Checker::verifies(const Owner& owner, std::span<const Record> set, sign::Bytes rrsig,
                       const sign::Rrsig& fields, const Key& key) {
    CanonicalSet canonical(zone_, set);
    return key.key->verifies(
        sign::signed_octets(rrsig, octets_of(owner.name), fields.covered, canonical.rdatas()),
        fields.signature);
}

Checker::Verdict Checker::judge(const Owner& owner, std::span<const Record> set,
                                const Record& record) {
    const auto rdata = zone_.rdata(record);
    const auto fields = sign::read_rrsig(rdata);
    const auto wrong = [](std::string what) { return Verdict{State::wrong, 0, std::move(what)}; };
    if (!fields)
        return wrong("is cut short");
    if (!std::ranges::equal(fields->signer, zone_.apex().wire(), {}, dns::fold))
        return wrong("is not by the zone itself");
    if (fields->labels != signed_labels(owner.name))
        return wrong("is for a name of another length");
    const std::string by = "by key " + std::to_string(fields->key_tag) + " (algorithm " +
                           std::to_string(fields->algorithm) + ") ";
    const auto is_its = [&](const Key& key) {
        return key.tag == fields->key_tag && key.algorithm == fields->algorithm;
    };
    if (std::ranges::none_of(keys_, is_its))
        return wrong(by + "is by none of the zone's DNSKEY records");
    const auto now = static_cast<std::uint32_t>(check_.now);
    if (sign::is_before(now, fields->inception))
        return {State::early, full_time(fields->inception), {}};
    if (!sign::is_before(now, fields->expiration))
        return {State::expired, full_time(fields->expiration), {}};
    const bool right = std::ranges::any_of(keys_, [&](const Key& key) {
        if (!is_its(key))
            return false;
        if (!key.key || check_.computations == 0)
            return true;
        --check_.computations;
        return verifies(owner, set, rdata, *fields, key);
    });
    if (!right)
        return wrong(by + "does not verify");
    return {State::valid, full_time(fields->expiration), {}};
}

void Checker::check_set(const Owner& owner, std::span<const Record> set) {
    const Type type = set[0].type;
    const auto what = [&] { return to_name(owner.name).to_string() + " " + type_to_text(type); };
    const auto signatures = zone_.signatures_of(owner, type);
    if (signatures.empty()) {
        const auto made = std::ranges::find_if(set, &Record::of_service);
        return made == set.end()
                   ? report_.error(set[0].where, what() +
                                                     " has no signature (RRSIG), though the "
                                                     "zone is signed")
                   : report_.error(made->where,
                                   what() +
                                       " of a service has no signature: the zone's file is "
                                       "signed, and has to have these addresses before it is");
    }
    Verdict best;
    const Record* of_best = nullptr;
    for (const Record& record : signatures) {
        Verdict verdict = judge(owner, set, record);
        const bool better = of_best == nullptr || verdict.state < best.state ||
                            (verdict.state == best.state && verdict.time > best.time);
        if (better) {
            best = std::move(verdict);
            of_best = &record;
        }
    }
    if (best.state == State::wrong)
        return report_.error(of_best->where, "the signature of " + what() + " " + best.problem);
    Earliest& earliest = earliest_[static_cast<std::size_t>(best.state)];
    if (earliest.sets++ == 0 || best.time < earliest.time) {
        earliest.time = best.time;
        earliest.where = of_best->where;
    }
}

void Checker::tell_times(const std::string& zone) {
    const auto& [valid, early, expired] = earliest_;
    const auto tell = [&](const Earliest& earliest, const std::string& what) {
        const std::string text = zone + ": the signatures of " + std::to_string(earliest.sets) +
                                 " record sets " + what + " " + sign::date_text(earliest.time) +
                                 " (the clock says " + sign::date_text(check_.now) + ")";
        if (check_.refuse_times)
            report_.error(earliest.where, text);
        else
            report_.warning(earliest.where, text + "; resolvers that validate refuse them");
    };
    if (early.sets > 0)
        tell(early, "are not valid yet, the first before");
    if (expired.sets > 0)
        tell(expired, "have run out, the first on");
    else if (!zone_.signed_here && valid.sets > 0 && valid.time < check_.now + warn_before)
        report_.warning(valid.where, zone + ": signatures run out from " +
                                         sign::date_text(valid.time) + " on; sign the zone again");
}

void Checker::run() {
    const std::string zone = "zone " + zone_.apex().to_string();
    read_keys();
    for (const Owner& owner : zone_.owners) {
        const auto all = zone_.records_of(owner);
        for (std::size_t first = 0; first < all.size();) {
            const auto set = zone_.records_of(owner, all[first].type);
            if (is_signed_set(zone_, owner, set[0].type))
                check_set(owner, set);
            first += set.size();
        }
    }
    for (const Earliest& earliest : earliest_)
        if (earliest.sets > 0)
            zone_.signed_until = earliest.time;  // of the worst that there are
    tell_times(zone);
}

}  // namespace

void check_signatures(ZoneData& zone, SignatureCheck& check, Report& report) {
    if (zone.is_signed())
        Checker(zone, check, report).run();
    else if (zone.has_signatures())
        report.warning(zone.where(), "zone " + zone.apex().to_string() +
                                         " has signatures, but no DNSKEY record at its apex that "
                                         "they could be checked with: it is served as not signed");
}

}  // namespace summond::zone
