#include "summond/answer/signatures.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "summond/base/siphash.hpp"
#include "summond/dns/wire.hpp"

namespace summond::answer {

namespace {

// A set as words: times, count and keys in the first two, then 9 of each signature.
using Octets = std::array<std::uint8_t, 8 * (2 + 2 * 9)>;

Octets octets_of(const SignatureSet& set) {
    Octets octets{};
    dns::put32(octets.data(), set.inception);
    dns::put32(&octets[4], set.expiration);
    dns::put32(&octets[8], set.due);
    octets[12] = set.count;
    for (std::size_t i = 0; i < set.most; ++i) {
        std::uint8_t* const at = &octets[16 + 72 * i];
        at[0] = set.signature[i].algorithm;
        dns::put16(at + 2, set.signature[i].key_tag);
        std::ranges::copy(set.signature[i].octets, at + 8);
    }
    return octets;
}

SignatureSet set_of(const Octets& octets) {
    SignatureSet set;
    set.inception = dns::get32(octets.data());
    set.expiration = dns::get32(&octets[4]);
    set.due = dns::get32(&octets[8]);
    set.count = std::min<std::uint8_t>(octets[12], set.most);
    for (std::size_t i = 0; i < set.most; ++i) {
        const std::uint8_t* const at = &octets[16 + 72 * i];
        set.signature[i].algorithm = at[0];
        set.signature[i].key_tag = dns::get16(at + 2);
        std::copy_n(at + 8, set.signature[i].octets.size(), set.signature[i].octets.begin());
    }
    return set;
}

constexpr base::Duration burst = std::chrono::seconds(1);

}  // namespace

Signatures::Signatures(const Limits& limits, const std::array<std::uint8_t, 16>& seed)
    : seed_(seed),
      bucket_mask_(std::bit_ceil(std::max<std::size_t>(limits.entries / ways, 1)) - 1),
      buckets_(std::make_unique<Bucket[]>(bucket_mask_ + 1)),
      interval_(burst / std::max<std::uint32_t>(limits.per_second, 1)) {
    pending_.reserve(max_pending);
}

std::uint64_t Signatures::tag_of(std::uint32_t zone, Statement::Kind kind,
                                 const dns::FoldedName& name,
                                 const std::array<std::uint8_t, 4>& ipv4) const noexcept {
    std::array<std::uint8_t, 9 + dns::max_name_size> octets;
    dns::put32(octets.data(), zone);
    octets[4] = static_cast<std::uint8_t>(kind);
    std::ranges::copy(ipv4, octets.begin() + 5);
    std::copy_n(name.wire.begin(), name.size, octets.begin() + 9);
    const auto hash = base::siphash_2_4(std::span(octets).first(9U + name.size), seed_);
    std::uint64_t tag;
    std::memcpy(&tag, hash.data(), sizeof tag);
    return tag | 1U << 31;  // the bits that choose a bucket lie below
}

std::optional<SignatureSet> Signatures::find(std::uint64_t tag) noexcept {
    for (Entry& entry : bucket(tag).entries) {
        const std::uint32_t version = entry.version.load(std::memory_order_acquire);
        if (version % 2 != 0 || entry.tag.load(std::memory_order_acquire) != tag)
            continue;
        Octets octets;
        for (std::size_t i = 0; i < words; ++i) {
            const std::uint64_t word = entry.word[i].load(std::memory_order_acquire);
            std::memcpy(&octets[8 * i], &word, sizeof word);
        }
        if (entry.version.load(std::memory_order_relaxed) != version)
            continue;
        if (!entry.used.load(std::memory_order_relaxed))
            entry.used.store(true, std::memory_order_relaxed);
        return set_of(octets);
    }
    return std::nullopt;
}

Signatures::Wanted Signatures::want(const Statement& statement, bool verified,
                                    base::TimePoint now) noexcept {
    const std::lock_guard lock(mutex_);
    if (pending_.contains(statement.tag))
        return Wanted::waiting;
    const base::TimePoint full_at = std::max(full_at_, now) + interval_;
    if (full_at - now > std::max(verified ? burst : burst / 2, interval_) ||
        pending_.size() >= max_pending)
        return Wanted::refused;
    full_at_ = full_at;
    pending_.emplace(statement.tag, Pending{statement, now});
    queue_.push_back(statement.tag);
    return Wanted::asked;
}

std::optional<Statement> Signatures::take_asked() {
    const std::lock_guard lock(mutex_);
    while (!queue_.empty()) {
        const std::uint64_t tag = queue_.front();
        queue_.pop_front();
        const auto pending = pending_.find(tag);
        if (pending == pending_.end() || pending->second.taken)
            continue;
        pending->second.taken = true;
        return pending->second.statement;
    }
    return std::nullopt;
}

void Signatures::take_again(std::uint64_t tag) {
    const std::lock_guard lock(mutex_);
    if (const auto pending = pending_.find(tag); pending != pending_.end()) {
        pending->second.taken = false;
        queue_.push_front(tag);
    }
}

void Signatures::take_all_again() {
    const std::lock_guard lock(mutex_);
    for (auto& [tag, pending] : pending_)
        if (std::exchange(pending.taken, false))
            queue_.push_back(tag);
}

// The hand goes on until it finds one that nobody has used since it passed it last. So names that
// are asked for once do not drive out those that are asked for often.
Signatures::Entry& Signatures::place_for(Bucket& bucket, std::uint64_t tag) {
    for (Entry& entry : bucket.entries)
        if (entry.tag.load(std::memory_order_relaxed) == tag)
            return entry;
    for (Entry& entry : bucket.entries)
        if (entry.tag.load(std::memory_order_relaxed) == 0)
            return entry;
    while (true) {
        Entry& entry = bucket.entries[bucket.hand];
        bucket.hand = static_cast<std::uint8_t>((bucket.hand + 1U) % ways);
        if (!entry.used.exchange(false, std::memory_order_relaxed))
            return entry;
    }
}

bool Signatures::put(std::uint64_t tag, const SignatureSet& set) {
    {
        const std::lock_guard lock(mutex_);
        if (pending_.erase(tag) == 0)
            return false;
    }
    Entry& entry = place_for(bucket(tag), tag);
    const std::uint32_t version = entry.version.load(std::memory_order_relaxed);
    entry.version.store(version + 1, std::memory_order_relaxed);
    entry.tag.store(tag, std::memory_order_release);
    const Octets octets = octets_of(set);
    for (std::size_t i = 0; i < words; ++i) {
        std::uint64_t word;
        std::memcpy(&word, &octets[8 * i], sizeof word);
        entry.word[i].store(word, std::memory_order_release);
    }
    entry.used.store(false, std::memory_order_relaxed);
    entry.version.store(version + 2, std::memory_order_release);
    return true;
}

void Signatures::forget_older_than(base::TimePoint time) {
    const std::lock_guard lock(mutex_);
    std::erase_if(pending_, [&](const auto& each) { return each.second.since < time; });
    // While there is no signer nobody takes them.
    std::erase_if(queue_, [&](std::uint64_t tag) { return !pending_.contains(tag); });
}

}  // namespace summond::answer
