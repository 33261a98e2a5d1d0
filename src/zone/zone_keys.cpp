#include "zone_keys.hpp"

#include <algorithm>
#include <filesystem>

namespace summond::zone {

namespace {

// No clock that is right says less: 2025-01-01, before there was anything that signs here.
constexpr std::int64_t earliest_sensible = 1735689600;
// Between the clocks of hosts that share keys, seconds.
constexpr std::int64_t clock_tolerance = 3600;

sign::Waits waits_of(const config::Dnssec& policy, std::uint32_t max_ttl) {
    return {.propagation = policy.propagation_delay.count(),
            .dnskey_ttl = policy.dnskey_ttl,
            .max_ttl = max_ttl,
            .parent = policy.parent_delay.count(),
            .zsk_lifetime = policy.zsk_lifetime.count()};
}

// Of two keys of two algorithms: the later one has signed before it was published, so that no
// resolver has records without its signatures (RFC 6781 §4.1.4).
bool signed_first(const sign::Key& a, const sign::Key& b) {
    const sign::KeyTimes& times =
        a.times.activate.value_or(0) < b.times.activate.value_or(0) ? b.times : a.times;
    return times.activate && times.publish && *times.activate < *times.publish;
}

std::string tags_of(const ZoneKeys::Keys& keys) {
    std::string text;
    for (const sign::Key& key : keys)
        text += (text.empty() ? "" : ", ") + std::to_string(key.tag);
    return text;
}

}  // namespace

bool ZoneKeys::open_directory(Where where) {
    if (opened_)
        return true;
    std::error_code error;
    if (use_ == KeyUse::as_found && !std::filesystem::exists(config_.key_dir, error) && !error) {
        opened_ = true;
        return true;
    }
    auto directory = sign::KeyDirectory::open(
        config_.key_dir, use_ == KeyUse::keep ? sign::KeyDirectory::Missing::make
                                              : sign::KeyDirectory::Missing::error);
    if (directory && use_ == KeyUse::keep)
        if (auto locked = directory->lock(); !locked)
            directory = tl::make_unexpected(locked.error());
    if (!directory) {
        report_.error(where, directory.error().what);
        return false;
    }
    directory_.emplace(std::move(*directory));
    opened_ = true;
    return true;
}

std::optional<ZoneKeys::Keys> ZoneKeys::open(const config::Zone& zone, Where where) {
    if (!open_directory(where))
        return std::nullopt;
    if (!directory_)
        return Keys{};
    auto keys = directory_->read(zone.name);
    if (!keys) {
        report_.error(where, keys.error().what);
        return std::nullopt;
    }
    for (const sign::Key& key : *keys)
        found_[key.file_name()] = key.times;
    return std::move(*keys);
}

bool ZoneKeys::make(const config::Zone& zone, Where where, std::uint16_t flags, Keys& keys) {
    const sign::Key* const beside = sign::newest_sep(keys, now_);
    const std::uint8_t algorithm = beside == nullptr
                                       ? zone.dnssec->algorithm.value_or(sign::ecdsa_p256_sha256)
                                       : beside->secret.algorithm();
    auto key = sign::make_key(zone.name, flags, algorithm, keys, now_);
    if (!key) {
        report_.error(where, key.error().what);
        return false;
    }
    keys.push_back(std::move(*key));
    return true;
}

bool ZoneKeys::make_first(const config::Zone& zone, Where where, Keys& keys) {
    const bool single = zone.dnssec->single_type_signing.value_or(true);
    if (!make(zone, where, sign::flag_zone | sign::flag_sep, keys) ||
        (!single && !make(zone, where, sign::flag_zone, keys)))
        return false;
    const std::string what = std::string(single ? "a key (CSK " : "keys (KSK and ZSK ") +
                             tags_of(keys) + ", " +
                             std::string(sign::algorithm_name(keys[0].secret.algorithm())) + ")";
    if (use_ == KeyUse::keep)
        note(zone, "has no key in " + config_.key_dir + ": made " + what);
    else
        note(zone,
             "has no key in " + config_.key_dir +
                 " yet; the daemon makes one when it loads the zone, `summond keys make` now");
    return true;
}

bool ZoneKeys::clock_fits(const config::Zone& zone, Where where, const Keys& keys) {
    std::string since;
    if (now_ < earliest_sensible)
        since = "this software is younger";
    for (const sign::Key& key : keys)
        if (key.times.created && *key.times.created > now_ + clock_tolerance)
            since = "key " + std::to_string(key.tag) + " was made on " +
                    sign::date_text(*key.times.created);
    if (since.empty())
        return true;
    clock_is_wrong_ = true;
    report_.error(where, "zone " + zone.name.to_string() + " is not signed: the clock says " +
                             sign::date_text(now_) + ", but " + since + "; set the clock");
    return false;
}

// What the configuration says of keys, and what a zone needs.
bool ZoneKeys::fit(const config::Zone& zone, Where where, const Keys& keys) {
    const std::string who = "zone " + zone.name.to_string() + ": ";
    const auto refuse = [&](const std::string& what) {
        report_.error(where, who + what);
        return false;
    };
    const config::Dnssec& policy = *zone.dnssec;
    const auto algorithm = [](const sign::Key& key) {
        return std::string(sign::algorithm_name(key.secret.algorithm()));
    };
    const sign::Key* newest = nullptr;
    const bool changes = sign::changes_algorithm(keys, now_);
    bool has_sep = false;
    bool has_zsk = false;
    for (const sign::Key& key : keys) {
        if (!sign::is_published(key.times, now_))
            continue;
        if (policy.algorithm && *policy.algorithm != key.secret.algorithm() && !changes)
            return refuse("algorithm is " + std::string(sign::algorithm_name(*policy.algorithm)) +
                          ", but its key " + std::to_string(key.tag) + " in " + config_.key_dir +
                          " is of " + algorithm(key) + "; leave algorithm out, or say " +
                          algorithm(key));
        if (newest != nullptr && newest->secret.algorithm() != key.secret.algorithm() &&
            !signed_first(*newest, key))
            return refuse("its keys " + std::to_string(newest->tag) + " and " +
                          std::to_string(key.tag) + " in " + config_.key_dir +
                          " are of two algorithms; take one of them away (`summond keys roll "
                          "--algorithm` goes from one to the other)");
        newest = &key;
        has_sep |= key.is_sep() && sign::is_active(key.times, now_);
        has_zsk |= !key.is_sep() && sign::is_active(key.times, now_);
    }
    if (!has_sep)
        return refuse("none of its keys in " + config_.key_dir + " (" + tags_of(keys) +
                      ") signs its DNSKEY records now: it needs a KSK or CSK that is active; "
                      "see `summond keys list`");
    if (policy.single_type_signing && *policy.single_type_signing == has_zsk)
        return refuse(has_zsk
                          ? "single_type_signing is on, but there are a KSK and a ZSK in " +
                                config_.key_dir + "; leave it out, or say off"
                          : "single_type_signing is off, but there is no ZSK that is active in " +
                                config_.key_dir + "; leave it out, or say on");
    return true;
}

bool ZoneKeys::prepare(const config::Zone& zone, Where where, bool was_signed,
                       std::uint32_t max_ttl, Keys& keys) {
    const auto waits = waits_of(*zone.dnssec, max_ttl);
    if (!clock_fits(zone, where, keys))
        return false;
    if (keys.empty() && was_signed) {
        report_.error(where, "zone " + zone.name.to_string() +
                                 " is signed, but its keys are not in " + config_.key_dir +
                                 " any more; put their files back: with others resolvers would "
                                 "refuse it");
        return false;
    }
    if (keys.empty() && !make_first(zone, where, keys))
        return false;
    auto plan = sign::plan(keys, now_, waits);
    if (plan.zsk_is_due) {
        if (!make(zone, where, sign::flag_zone, keys))
            return false;
        if (use_ == KeyUse::keep)
            note(zone, "made ZSK " + std::to_string(keys.back().tag) + ", as zsk_lifetime says");
        const auto said = std::move(plan.said);
        plan = sign::plan(keys, now_, waits);
        plan.said.insert(plan.said.begin(), said.begin(), said.end());
    }
    for (const std::string& said : plan.said)
        if (use_ == KeyUse::keep)
            note(zone, said);
    if (plan.next && (!next_ || *plan.next < *next_))
        next_ = plan.next;
    return fit(zone, where, keys);
}

void ZoneKeys::keep(Keys keys) {
    if (use_ != KeyUse::keep)
        return;
    for (sign::Key& key : keys) {
        const auto found = found_.find(key.file_name());
        if (found == found_.end() || found->second != key.times)
            changed_.push_back(std::move(key));
    }
}

bool ZoneKeys::save() {
    for (const sign::Key& key : changed_) {
        auto written = directory_->write(key);
        if (written)
            continue;
        report_.error({}, written.error().what);
        return false;
    }
    return true;
}

}  // namespace summond::zone
