#include "summond/sign/key_schedule.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace summond::sign {

namespace {

bool has_come(const KeyTimes::Time& time, std::int64_t now) {
    return time && *time <= now;
}

class Planner {
  public:
    Planner(std::vector<Key>& keys, std::int64_t now, const Waits& waits)
        : keys_(keys), now_(now), waits_(waits) {}
    Plan run();

  private:
    void begin_successor(Key& key, bool is_first);
    void begin_algorithm(Key& key);
    void retire_zsks();
    void retire_seps();
    void look_at_lifetime();
    // The one that has signed, or will sign, last; null: there is none.
    const Key* newest(bool sep) const;
    template <typename Do>
    void for_older(const Key& than, Do&& what) {
        for (Key& key : keys_)
            if (key.is_sep() == than.is_sep() && &key != &than && key.times.activate &&
                *key.times.activate < *than.times.activate && !has_come(key.times.removed, now_))
                what(key);
    }
    void say(const Key& key, const std::string& what) {
        plan_.said.push_back("key " + std::to_string(key.tag) + " " + what);
    }

    std::vector<Key>& keys_;
    const std::int64_t now_;
    const Waits& waits_;
    Plan plan_;
};

void Planner::begin_successor(Key& key, bool is_first) {
    KeyTimes& times = key.times;
    if (!has_come(times.publish, now_) || times.activate)
        return;
    const std::int64_t ttl =
        is_first ? std::max(waits_.dnskey_ttl, waits_.max_ttl) : waits_.dnskey_ttl;
    const std::int64_t everywhere = now_ + waits_.propagation + ttl;
    // By these times it is known which of two keys is the newer one.
    const Key* const older = is_first ? nullptr : newest(key.is_sep());
    times.activate = is_first || key.is_sep() ? now_ : everywhere;
    if (older != nullptr)
        times.activate = std::max(*times.activate, *older->times.activate + 1);
    if (!key.is_sep())
        return say(key, "is published, and signs from " + date_text(*times.activate) + " on");
    times.sync_publish = everywhere;
    say(key, "is published and signs; CDS records ask the parent for its DS from " +
                 date_text(everywhere) + " on");
}

void Planner::begin_algorithm(Key& key) {
    KeyTimes& times = key.times;
    const Key* older = nullptr;
    for (const Key& other : keys_)
        if (&other != &key && other.is_sep() == key.is_sep() && other.times.activate &&
            other.secret.algorithm() != key.secret.algorithm() && is_active(other.times, now_) &&
            (older == nullptr || *older->times.activate < *other.times.activate))
            older = &other;
    if (older != nullptr)
        times.activate = std::max(*times.activate, *older->times.activate + 1);
    // Until then resolvers may have records without its signatures, which they want as soon as they
    // know that the zone has the algorithm (RFC 4035 §2.2).
    times.publish = std::max(now_, *times.activate) + waits_.propagation + waits_.max_ttl;
    if (key.is_sep())
        times.sync_publish = *times.publish + waits_.propagation + waits_.dnskey_ttl;
    say(key, "of algorithm " + std::string(algorithm_name(key.secret.algorithm())) +
                 " signs, and is published on " + date_text(*times.publish));
}

const Key* Planner::newest(bool sep) const {
    const Key* found = nullptr;
    for (const Key& key : keys_)
        if (key.is_sep() == sep && key.times.activate && !has_come(key.times.removed, now_) &&
            (found == nullptr || *found->times.activate < *key.times.activate))
            found = &key;
    return found;
}

// All signatures are replaced when the new key is active (Dsgn is 0), the old ones may be in
// caches.
void Planner::retire_zsks() {
    const Key* const key = newest(false);
    if (key == nullptr || !is_active(key->times, now_))
        return;
    for_older(*key, [&](Key& old) {
        if (old.times.inactive || old.secret.algorithm() != key->secret.algorithm())
            return;
        old.times.inactive = now_;
        old.times.removed = now_ + waits_.propagation + waits_.max_ttl;
        say(old, "signs no more; it is removed on " + date_text(*old.times.removed));
    });
}

// The old DNSKEY goes with its signatures: caches have both keys, or both signatures, or only what
// is new. Where it is of another algorithm it goes first, and with it the ZSK of that algorithm.
void Planner::retire_seps() {
    const Key* const key = newest(true);
    if (key == nullptr)
        return;
    for_older(*key, [&](Key& old) {
        if (has_come(key->times.sync_publish, now_) && !old.times.sync_delete) {
            old.times.sync_delete = now_;
            say(*key,
                "is the only one with CDS records from now on; when the parent has its DS, "
                "say so by `summond keys submitted`");
        }
        if (!key->times.ds_publish || old.times.removed)
            return;
        const std::int64_t end = std::max(now_, *key->times.ds_publish + waits_.parent);
        const bool same = old.secret.algorithm() == key->secret.algorithm();
        for (Key& each : keys_) {
            if (&each != &old && (same || each.is_sep() || each.times.removed ||
                                  each.secret.algorithm() != old.secret.algorithm()))
                continue;
            each.times.removed = end;
            each.times.inactive = same ? end : end + waits_.propagation + waits_.dnskey_ttl;
            say(each, "is removed on " + date_text(end));
        }
    });
}

void Planner::look_at_lifetime() {
    const Key* const key = newest(false);
    if (waits_.zsk_lifetime == 0 || key == nullptr || !is_active(key->times, now_) ||
        changes_algorithm(keys_, now_) || std::ranges::any_of(keys_, [&](const Key& other) {
            return !other.is_sep() && !other.times.activate;
        }))
        return;
    const std::int64_t due =
        *key->times.activate + waits_.zsk_lifetime - waits_.propagation - waits_.dnskey_ttl;
    plan_.zsk_is_due = due <= now_;
    if (!plan_.zsk_is_due)
        plan_.next = due;
}

Plan Planner::run() {
    const bool is_first =
        std::ranges::none_of(keys_, [&](const Key& key) { return is_active(key.times, now_); });
    for (Key& key : keys_) {
        if (key.times.activate && !key.times.publish)
            begin_algorithm(key);
        else
            begin_successor(key, is_first);
    }
    retire_zsks();
    retire_seps();
    look_at_lifetime();
    for (const Key& key : keys_) {
        const KeyTimes& t = key.times;
        for (const KeyTimes::Time& time :
             {t.publish, t.activate, t.inactive, t.removed, t.sync_publish, t.sync_delete})
            if (time && *time > now_ && (!plan_.next || *time < *plan_.next))
                plan_.next = time;
    }
    return std::move(plan_);
}

}  // namespace

bool is_published(const KeyTimes& times, std::int64_t now) {
    return has_come(times.publish, now) && !has_come(times.removed, now);
}

bool is_active(const KeyTimes& times, std::int64_t now) {
    return times.publish && has_come(times.activate, now) &&
           !has_come(times.inactive ? times.inactive : times.removed, now);
}

bool has_cds(const KeyTimes& times, std::int64_t now) {
    return is_published(times, now) && has_come(times.sync_publish, now) &&
           !has_come(times.sync_delete, now);
}

std::string_view state_of(const KeyTimes& times, std::int64_t now) {
    if (is_active(times, now) && !is_published(times, now))
        return "signing";
    if (has_come(times.removed, now))
        return "removed";
    if (!has_come(times.publish, now))
        return "not yet";
    if (is_active(times, now))
        return "active";
    return has_come(times.inactive, now) ? "retired" : "published";
}

Plan plan(std::vector<Key>& keys, std::int64_t now, const Waits& waits) {
    return Planner(keys, now, waits).run();
}

bool changes_algorithm(const std::vector<Key>& keys, std::int64_t now) {
    std::optional<std::uint8_t> algorithm;
    for (const Key& key : keys) {
        const bool goes_on = (key.times.activate && !key.times.publish) ||
                             is_active(key.times, now) || is_published(key.times, now);
        if (!goes_on)
            continue;
        if (algorithm && *algorithm != key.secret.algorithm())
            return true;
        algorithm = key.secret.algorithm();
    }
    return false;
}

const Key* newest_sep(const std::vector<Key>& keys, std::int64_t now) {
    const Key* found = nullptr;
    for (const Key& key : keys)
        if (key.is_sep() && key.times.activate && is_published(key.times, now) &&
            (found == nullptr || *found->times.activate < *key.times.activate))
            found = &key;
    return found;
}

std::optional<std::int64_t> ds_from(const KeyTimes& times) {
    return times.sync_publish ? times.sync_publish : times.activate;
}

std::string date_text(std::int64_t time) {
    const std::time_t value = time;
    std::tm parts{};
    ::gmtime_r(&value, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
    return text;
}

}  // namespace summond::sign
