#include "signing.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "made_denials.hpp"
#include "record_types.hpp"
#include "signed_sets.hpp"
#include "summond/dns/wire.hpp"
#include "summond/sign/key_schedule.hpp"
#include "summond/sign/nsec3.hpp"

namespace summond::zone {

namespace {

using dns::Type;

constexpr auto cds = static_cast<Type>(59);      // RFC 7344 §3.1
constexpr auto cdnskey = static_cast<Type>(60);  // RFC 7344 §3.2

// For resolvers whose clocks are behind, seconds.
constexpr std::int64_t inception_before = 3600;

// A mixture that is the same in every process.
std::uint64_t hash_of(std::string_view octets, std::uint64_t seed) {
    return (std::hash<std::string_view>{}(octets) ^ seed) * 0x9e3779b97f4a7c15;
}

// Sets to be signed, by one thread.
class SetSigner {
  public:
    SetSigner(const ZoneData& zone, const Signing& signing) : zone_(zone), signing_(signing) {
        for (const sign::Key& key : signing.keys)
            signers_.emplace_back(key.secret);
    }

    // The records of one type of an owner.
    void sign(const Owner& owner, std::span<const Record> set);

    struct Signature {
        std::uint32_t owner;
        std::uint32_t ttl;
        std::size_t at;  // in rdatas
        std::uint16_t size;
    };
    std::vector<Signature> signatures;
    std::vector<std::uint8_t> rdatas;
    std::size_t made = 0;  // the others have been taken over
    bool failed = false;

  private:
    void add(const Record& first, sign::Bytes rdata);
    std::uint32_t expiration(const Owner& owner, Type type) const;

    const ZoneData& zone_;
    const Signing& signing_;
    std::vector<sign::Signer> signers_;  // of the keys, one each
};

void SetSigner::add(const Record& first, sign::Bytes rdata) {
    signatures.push_back(
        {first.owner, first.ttl, rdatas.size(), static_cast<std::uint16_t>(rdata.size())});
    rdatas.insert(rdatas.end(), rdata.begin(), rdata.end());
}

// Not all at once, so that caches do not come back all at once either.
std::uint32_t SetSigner::expiration(const Owner& owner, Type type) const {
    const auto& policy = signing_.policy;
    const auto range = static_cast<std::uint64_t>(policy.rrsig_jitter.count()) + 1;
    const std::uint64_t random =
        hash_of(owner.name, static_cast<std::uint16_t>(type) +
                                (static_cast<std::uint64_t>(signing_.now) << 16)) >>
        20;
    const auto end =
        signing_.now + policy.rrsig_lifetime.count() - static_cast<std::int64_t>(random % range);
    return static_cast<std::uint32_t>(end);
}

void SetSigner::sign(const Owner& owner, std::span<const Record> set) {
    const Type type = set[0].type;
    const auto older = signing_.older.find(zone_, owner, set);
    const auto apex = zone_.apex().wire();
    for (std::size_t i = 0; i < signing_.keys.size(); ++i) {
        const sign::Key& key = signing_.keys[i];
        if (!signs(signing_.keys, key, type, signing_.now))
            continue;
        const auto kept = std::ranges::find_if(
            older, [&](sign::Bytes rrsig) { return signing_.older.is_good(rrsig, key); });
        if (kept != older.end()) {
            add(set[0], *kept);
            continue;
        }
        // RFC 4034 §3.1.
        std::vector<std::uint8_t> rrsig(18);
        dns::put16(rrsig.data(), static_cast<std::uint16_t>(type));
        rrsig[2] = key.secret.algorithm();
        rrsig[3] = signed_labels(owner.name);
        dns::put32(&rrsig[4], set[0].ttl);
        dns::put32(&rrsig[8], expiration(owner, type));
        dns::put32(&rrsig[12], static_cast<std::uint32_t>(signing_.now - inception_before));
        dns::put16(&rrsig[16], key.tag);
        rrsig.insert(rrsig.end(), apex.begin(), apex.end());
        CanonicalSet canonical(zone_, set);
        const auto signature = signers_[i].sign(
            sign::signed_octets(rrsig, octets_of(owner.name), type, canonical.rdatas()));
        if (!signature) {
            failed = true;
            return;
        }
        rrsig.insert(rrsig.end(), signature->begin(), signature->end());
        add(set[0], rrsig);
        ++made;
    }
}

class ZoneSigner {
  public:
    ZoneSigner(ZoneData& zone, const Signing& signing, Report& report)
        : zone_(zone), signing_(signing), report_(report) {}
    void run();

  private:
    bool is_bare();
    void add_keys();
    // But the SOA's, which is not known before all others are.
    std::size_t sign_sets();
    std::size_t sign_owners(std::size_t first, std::size_t last, SetSigner& signer) const;
    void take(SetSigner& signer);
    void sign_soa(bool changed);

    ZoneData& zone_;
    const Signing& signing_;
    Report& report_;
};

bool ZoneSigner::is_bare() {
    const std::size_t before = report_.errors();
    const auto made = std::ranges::find_if(
        zone_.records, [](const Record& r) { return is_made_by_signing(r.type); });
    if (made != zone_.records.end())
        report_.error(made->where, to_name(zone_.owners[made->owner].name).to_string() + " has " +
                                       type_to_text(made->type) +
                                       " records, which signing makes; give the zone as it was "
                                       "before it was signed, or leave out `dnssec`");
    if (signing_.policy.nsec3 &&
        sign::nsec3_label_size + zone_.apex().wire().size() > dns::max_name_size)
        report_.error(zone_.where(), "zone " + zone_.apex().to_string() +
                                         ": its name leaves no room for hashes; say nsec3: off");
    return report_.errors() == before;
}

void ZoneSigner::add_keys() {
    const std::uint32_t ttl = signing_.policy.dnskey_ttl;
    const auto add = [&](Type type, std::span<const std::uint8_t> rdata) {
        zone_.add(0, type, ttl, rdata, zone_.where());
    };
    for (const sign::Key& key : signing_.keys) {
        if (sign::is_published(key.times, signing_.now))
            add(Type::dnskey, key.dnskey);
        if (signing_.policy.cds_cdnskey_publish != config::Dnssec::Cds::always || !key.is_sep() ||
            !sign::has_cds(key.times, signing_.now))
            continue;
        add(cds, sign::ds_rdata(zone_.apex().wire(), key.dnskey));
        add(cdnskey, key.dnskey);
    }
    if (signing_.policy.cds_cdnskey_publish == config::Dnssec::Cds::remove) {  // RFC 8078 §4
        add(cds, std::vector<std::uint8_t>{0, 0, 0, 0, 0});
        add(cdnskey, std::vector<std::uint8_t>{0, 0, 3, 0, 0});
    }
    if (signing_.policy.nsec3) {
        const std::vector<std::uint8_t> parameters{sign::nsec3_sha1, 0, 0, 0, 0};
        zone_.add(0, Type::nsec3param, 0, parameters, zone_.where());
    }
}

std::size_t ZoneSigner::sign_owners(std::size_t first, std::size_t last, SetSigner& signer) const {
    for (std::size_t i = first; i < last && !signer.failed; ++i) {
        const Owner& owner = zone_.owners[i];
        const auto all = zone_.records_of(owner);
        for (std::size_t at = 0; at < all.size();) {
            const auto set = zone_.records_of(owner, all[at].type);
            if (is_signed_set(zone_, owner, set[0].type) && set[0].type != Type::soa)
                signer.sign(owner, set);
            at += set.size();
        }
    }
    return signer.made;
}

// Frees what it has taken.
void ZoneSigner::take(SetSigner& signer) {
    const auto rdatas = std::move(signer.rdatas);
    const auto signatures = std::move(signer.signatures);
    if (signer.failed)
        report_.error(zone_.where(),
                      "zone " + zone_.apex().to_string() + ": libcrypto does not sign");
    for (const auto& signature : signatures)
        zone_.add(signature.owner, Type::rrsig, signature.ttl,
                  std::span(rdatas).subspan(signature.at, signature.size), zone_.where());
}

std::size_t ZoneSigner::sign_sets() {
    // Small zones are done before a thread has begun.
    constexpr std::size_t worth_a_thread = 500;
    const std::size_t owners = zone_.owners.size();
    const std::size_t count = std::clamp<std::size_t>(owners / worth_a_thread, 1, signing_.threads);
    std::vector<SetSigner> signers;
    signers.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        signers.emplace_back(zone_, signing_);
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < count; ++i)
        threads.emplace_back(
            [&, i] { sign_owners(owners * i / count, owners * (i + 1) / count, signers[i]); });
    sign_owners(0, owners / count, signers[0]);
    threads.clear();  // joins
    std::size_t made = 0;
    std::size_t records = 0;
    std::size_t octets = 0;
    for (const SetSigner& signer : signers) {
        made += signer.made;
        records += signer.signatures.size();
        octets += signer.rdatas.size();
    }
    zone_.reserve(records, octets);
    for (SetSigner& signer : signers)
        take(signer);
    return made;
}

// The time, or what the file says if that is later (RFC 1982); one more where neither has grown.
void ZoneSigner::sign_soa(bool changed) {
    const auto now = static_cast<std::uint32_t>(signing_.now);
    const auto& served = signing_.older.served();
    std::uint32_t serial = zone_.serial();
    if (served && (!changed && !sign::is_before(served->serial, serial))) {
        serial = served->serial;
    } else {
        if (sign::is_before(serial, now))
            serial = now;
        const auto last = served ? std::optional(served->serial) : signing_.last;
        if (last && !sign::is_before(*last, serial))
            serial = *last + 1;
    }
    zone_.set_serial(serial);
    SetSigner signer(zone_, signing_);
    signer.sign(zone_.owners[0], zone_.records_of(zone_.owners[0], Type::soa));
    take(signer);
}

void ZoneSigner::run() {
    if (!is_bare())
        return;
    zone_.content = content_of(zone_);
    add_keys();
    zone_.finish();
    if (zone_.chain.compact)
        add_compact_nsec(zone_);
    else if (signing_.policy.nsec3)
        add_nsec3(zone_);
    else
        add_nsec(zone_);
    zone_.finish();
    const std::size_t made = sign_sets();
    const auto& served = signing_.older.served();
    // The records lie as they did: signatures have been added behind them.
    sign_soa(made > 0 || !served || served->content != zone_.content);
    zone_.signed_here = true;
    zone_.finish();
}

}  // namespace

// Keys are proven by KSKs or CSKs (RFC 4035 §2.1), the rest by ZSKs where there are any; by those
// of each algorithm (§2.2).
bool signs(std::span<const sign::Key> keys, const sign::Key& key, Type type, std::int64_t now) {
    if (!sign::is_active(key.times, now))
        return false;
    if (type == Type::dnskey || type == cds || type == cdnskey)
        return key.is_sep() && sign::is_published(key.times, now);
    return !key.is_sep() || std::ranges::none_of(keys, [&](const sign::Key& other) {
        return !other.is_sep() && sign::is_active(other.times, now) &&
               other.secret.algorithm() == key.secret.algorithm();
    });
}

// One of its own for each record, whatever order they stand in.
std::uint64_t content_of(const ZoneData& zone) {
    std::uint64_t sum = 0;
    for (const Record& record : zone.records) {
        const auto rdata = zone.rdata(record);
        std::string octets(rdata.begin(), rdata.end());
        if (record.type == Type::soa)
            octets.replace(octets.size() - serial_before_end, 4, 4, '\0');
        sum += hash_of(octets, hash_of(zone.owners[record.owner].name,
                                       std::uint64_t{record.ttl} << 16 |
                                           static_cast<std::uint16_t>(record.type)));
    }
    return sum == 0 ? 1 : sum;
}

bool is_made_by_signing(Type type) {
    return type == Type::rrsig || type == Type::nsec || type == Type::nsec3 ||
           type == Type::nsec3param || type == Type::dnskey || type == cds || type == cdnskey;
}

void sign_zone(ZoneData& zone, const Signing& signing, Report& report) {
    ZoneSigner(zone, signing, report).run();
}

std::uint32_t max_ttl_of(const ZoneData& zone) {
    std::uint32_t ttl = 0;
    for (const Record& record : zone.records)
        ttl = std::max(ttl, record.ttl);
    return ttl;
}

}  // namespace summond::zone
