#include "summond/answer/instances.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "summond/zone/image.hpp"

namespace summond::answer {

// Buckets are a quarter full when all places are taken: that one overflows before is as good as
// impossible.
Instances::Instances(std::uint32_t first, std::uint32_t places, std::uint64_t seed)
    : first_(first),
      places_count_(places),
      seed_(seed),
      places_(std::make_unique<Place[]>(places)),
      bucket_mask_(std::bit_ceil(std::max<std::size_t>(places * 4U / bucket_size, 1)) - 1),
      buckets_(std::make_unique<Bucket[]>(bucket_mask_ + 1)) {
    free_.reserve(places);
}

Instances::Words Instances::words_of(std::string_view id) {
    Words words{};
    std::memcpy(words.data(), id.data(), std::min(id.size(), service::max_id));
    return words;
}

Instances::Bucket& Instances::bucket(const InstanceKey& key, const Words& words) const {
    const std::uint64_t hash = zone::image::hash(
        reinterpret_cast<const std::uint8_t*>(words.data()), key.id.size(), seed_ + key.service);
    return buckets_[hash & bucket_mask_];
}

std::optional<Instances::Found> Instances::find(const Bucket& bucket, const InstanceKey& key,
                                                const Words& words) const noexcept {
    for (const auto& entry : bucket.entries) {
        const std::uint32_t index = entry.load(std::memory_order_acquire);
        if (index == 0)
            continue;
        const Place& place = places_[index - 1];
        const std::uint32_t version = place.version.load(std::memory_order_acquire);
        bool same = version % 2 == 0 &&
                    place.size.load(std::memory_order_acquire) == key.id.size() &&
                    place.service.load(std::memory_order_acquire) == key.service;
        for (std::size_t i = 0; same && 8 * i < key.id.size(); ++i)
            same = place.id[i].load(std::memory_order_acquire) == words[i];
        if (!same)
            continue;
        Found found{first_ + index - 1, {}, {}};
        const std::uint32_t ipv4 = place.ipv4.load(std::memory_order_acquire);
        std::memcpy(found.ipv4.data(), &ipv4, sizeof ipv4);
        for (std::size_t i = 0; i < place.address.size(); ++i) {
            const std::uint64_t word = place.address[i].load(std::memory_order_acquire);
            std::memcpy(&found.address[8 * i], &word, sizeof word);
        }
        if (place.version.load(std::memory_order_relaxed) == version)
            return found;
    }
    return std::nullopt;
}

std::optional<Instances::Found> Instances::find(const InstanceKey& key) const noexcept {
    const Words words = words_of(key.id);
    return find(bucket(key, words), key, words);
}

std::optional<Instances::Found> Instances::take(const InstanceKey& key,
                                                const base::IpAddress& address) noexcept {
    const Words words = words_of(key.id);
    Bucket& own = bucket(key, words);
    const std::lock_guard lock(taking_);
    if (const auto found = find(own, key, words))
        return found;
    const auto entry = std::ranges::find_if(
        own.entries, [](const auto& each) { return each.load(std::memory_order_relaxed) == 0; });
    if (entry == own.entries.end())
        return std::nullopt;
    std::uint32_t index = taken_.load(std::memory_order_relaxed);
    if (!free_.empty()) {
        index = free_.back();
        free_.pop_back();
    } else if (index < places_count_) {
        taken_.store(index + 1, std::memory_order_relaxed);
    } else {
        return std::nullopt;
    }
    Place& place = places_[index];
    const std::uint32_t version = place.version.load(std::memory_order_relaxed);
    place.version.store(version + 1, std::memory_order_relaxed);
    place.service.store(key.service, std::memory_order_release);
    place.size.store(static_cast<std::uint8_t>(key.id.size()), std::memory_order_release);
    place.quiet.store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < place.id.size(); ++i)
        place.id[i].store(words[i], std::memory_order_release);
    Found found{first_ + index, {}, {}};
    std::ranges::copy(address.bytes(), found.address.begin());
    for (std::size_t i = 0; i < place.address.size(); ++i) {
        std::uint64_t word;
        std::memcpy(&word, &found.address[8 * i], sizeof word);
        place.address[i].store(word, std::memory_order_release);
    }
    place.version.store(version + 2, std::memory_order_release);
    entry->store(index + 1, std::memory_order_release);
    return found;
}

std::optional<Instances::Taken> Instances::owner(std::uint32_t number) noexcept {
    const std::lock_guard lock(taking_);
    const Place& place = places_[number - first_];
    const std::size_t size = place.size.load(std::memory_order_relaxed);
    if (size == 0)
        return std::nullopt;
    Words words{};
    for (std::size_t i = 0; i < place.id.size(); ++i)
        words[i] = place.id[i].load(std::memory_order_relaxed);
    Taken taken;
    taken.service = place.service.load(std::memory_order_relaxed);
    taken.id.size = size;
    std::memcpy(taken.id.octets.data(), words.data(), size);
    return taken;
}

void Instances::be_busy(std::uint32_t number) noexcept {
    places_[number - first_].quiet.store(0, std::memory_order_relaxed);
}

unsigned Instances::be_quiet(std::uint32_t number) noexcept {
    auto& quiet = places_[number - first_].quiet;
    const auto before = quiet.load(std::memory_order_relaxed);
    const auto now = static_cast<std::uint8_t>(std::min(before + 1, 255));
    quiet.store(now, std::memory_order_relaxed);
    return now;
}

bool Instances::lease(std::uint32_t number, const Ipv4& ipv4) noexcept {
    std::uint32_t word;
    std::memcpy(&word, ipv4.data(), sizeof word);
    const std::lock_guard lock(taking_);
    Place& place = places_[number - first_];
    if (place.ipv4.load(std::memory_order_relaxed) == word)
        return false;
    const std::uint32_t version = place.version.load(std::memory_order_relaxed);
    place.version.store(version + 1, std::memory_order_relaxed);
    set_lease(number - first_, word);
    place.version.store(version + 2, std::memory_order_release);
    return true;
}

// Addresses of a pool follow each other: multiplied, they go to all buckets.
std::size_t Instances::lease_bucket(std::uint32_t ipv4) {
    return (ipv4 * 0x9e3779b97f4a7c15U) >> 56;
}

void Instances::set_lease(std::uint32_t index, std::uint32_t ipv4) {
    auto& own = places_[index].ipv4;
    const auto replace = [](Bucket& in, std::uint32_t what, std::uint32_t by) {
        const auto entry = std::ranges::find_if(in.entries, [what](const auto& each) {
            return each.load(std::memory_order_relaxed) == what;
        });
        if (entry != in.entries.end())
            entry->store(by, std::memory_order_release);
    };
    if (const auto before = own.load(std::memory_order_relaxed); before != 0)
        replace(leases_[lease_bucket(before)], index + 1, 0);
    own.store(ipv4, std::memory_order_release);
    if (ipv4 != 0)
        replace(leases_[lease_bucket(ipv4)], 0, index + 1);
}

std::optional<Instances::Taken> Instances::leased(const Ipv4& ipv4) const noexcept {
    std::uint32_t word;
    std::memcpy(&word, ipv4.data(), sizeof word);
    for (const auto& entry : leases_[lease_bucket(word)].entries) {
        const std::uint32_t index = entry.load(std::memory_order_acquire);
        if (index == 0)
            continue;
        const Place& place = places_[index - 1];
        const std::uint32_t version = place.version.load(std::memory_order_acquire);
        if (version % 2 != 0 || place.ipv4.load(std::memory_order_acquire) != word)
            continue;
        Taken taken;
        taken.service = place.service.load(std::memory_order_acquire);
        taken.id.size = place.size.load(std::memory_order_acquire);
        for (std::size_t i = 0; 8 * i < taken.id.octets.size(); ++i) {
            const std::uint64_t octets = place.id[i].load(std::memory_order_acquire);
            std::memcpy(&taken.id.octets[8 * i], &octets,
                        std::min<std::size_t>(8, taken.id.octets.size() - 8 * i));
        }
        if (place.version.load(std::memory_order_relaxed) == version && taken.id.size != 0)
            return taken;
    }
    return std::nullopt;
}

void Instances::release(std::uint32_t number) noexcept {
    const std::lock_guard lock(taking_);
    const std::uint32_t index = number - first_;
    Place& place = places_[index];
    Words words{};
    for (std::size_t i = 0; i < place.id.size(); ++i)
        words[i] = place.id[i].load(std::memory_order_relaxed);
    const std::size_t size = place.size.load(std::memory_order_relaxed);
    const std::string_view id(reinterpret_cast<const char*>(words.data()), size);
    Bucket& own = bucket({place.service.load(std::memory_order_relaxed), id}, words);
    for (auto& entry : own.entries)
        if (entry.load(std::memory_order_relaxed) == index + 1)
            entry.store(0, std::memory_order_relaxed);
    const std::uint32_t version = place.version.load(std::memory_order_relaxed);
    place.version.store(version + 1, std::memory_order_relaxed);
    place.size.store(0, std::memory_order_release);
    set_lease(index, 0);
    place.version.store(version + 2, std::memory_order_release);
    free_.push_back(index);
}

}  // namespace summond::answer
