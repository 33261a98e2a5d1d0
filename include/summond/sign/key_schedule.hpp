// What each key of a zone does when: RFC 7583, with the times that key files have. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "summond/sign/key_file.hpp"

namespace summond::sign {

// What a key does at a time. In a rollover to another algorithm keys sign before their DNSKEY
// records are there and after these have gone (RFC 6781 §4.1.4).
bool is_published(const KeyTimes& times, std::int64_t now);
bool is_active(const KeyTimes& times, std::int64_t now);
bool has_cds(const KeyTimes& times, std::int64_t now);
// "not yet", "signing" (not published yet, or no more), "published", "active", "retired" (still
// published) or "removed".
std::string_view state_of(const KeyTimes& times, std::int64_t now);

// Seconds, as RFC 7583 §2 has them: how long until what is new is everywhere.
struct Waits {
    std::int64_t propagation = 0;  // Dprp: to all servers of the zone
    std::int64_t dnskey_ttl = 0;   // TTLkey
    std::int64_t max_ttl = 0;      // TTLsig: of any signature in the zone
    std::int64_t parent = 0;       // DprpP and TTLds: the parent's servers, and its DS record's TTL
    std::int64_t zsk_lifetime = 0;  // 0: a ZSK is replaced when somebody says so
};

// What becomes of times at a load:
// - the first keys of a zone sign at once. Resolvers may have its records without signatures, so it
//   takes a while until CDS records ask the parent for a DS;
// - a successor that is published for the first time: a ZSK gets the time from which it signs
//   (pre-publication, RFC 7583 §3.2.1); a KSK or CSK signs at once, and gets the time from which
//   CDS records ask the parent for its DS (double signature, §3.3.1);
// - keys of another algorithm, which have a time from which they sign and none at which they are
//   published: they are when all resolvers have their signatures. The old ones sign until nobody
//   has their DNSKEY records any more (RFC 6781 §4.1.4, the conservative approach);
// - who takes the place of another that begins to sign, or whose DS the parent has: the times at
//   which the other one's signatures, its CDS records, its DNSKEY record end.
struct Plan {
    std::vector<std::string> said;     // "key 12345 signs from 2026-12-01 08:00 UTC on"
    bool zsk_is_due = false;           // a successor has to be made
    std::optional<std::int64_t> next;  // when something changes
};
Plan plan(std::vector<Key>& keys, std::int64_t now, const Waits& waits);

// Whether the keys that do anything yet are of two algorithms.
bool changes_algorithm(const std::vector<Key>& keys, std::int64_t now);
// The KSK or CSK that has begun to sign last, of those whose DNSKEY records are there; null: none.
const Key* newest_sep(const std::vector<Key>& keys, std::int64_t now);

// From when on the parent may be given a key's DS: before, resolvers may not have the key.
std::optional<std::int64_t> ds_from(const KeyTimes& times);

// "2026-12-01 08:00 UTC".
std::string date_text(std::int64_t time);

}  // namespace summond::sign
