#include "parked.hpp"

#include <algorithm>
#include <cstring>

namespace summond::net {
namespace {

// Tells most clients apart cheaply: address, port and message ID.
std::uint32_t hash(const ParkedQueries::Client& client, std::span<const std::uint8_t> query) {
    std::uint32_t h = 2166136261u;  // FNV-1a
    const auto add = [&h](const void* data, std::size_t size) {
        const auto* bytes = static_cast<const std::uint8_t*>(data);
        for (std::size_t i = 0; i < size; ++i)
            h = (h ^ bytes[i]) * 16777619u;
    };
    add(&client.address, client.address_size);
    add(query.data(), std::min<std::size_t>(query.size(), 2));
    return h;
}

bool same_client(const ParkedQueries::Client& a, const ParkedQueries::Client& b) {
    return a.socket == b.socket && a.address_size == b.address_size &&
           std::memcmp(&a.address, &b.address, a.address_size) == 0;
}

}  // namespace

ParkedQueries::ParkedQueries(std::size_t capacity) : entries_(capacity) {
    heads_.reserve(capacity);
    free_.reserve(capacity);
    for (std::size_t i = capacity; i > 0; --i)
        free_.push_back(static_cast<std::uint32_t>(i - 1));
}

ParkedQueries::Added ParkedQueries::add(const Client& client, std::span<const std::uint8_t> query,
                                        const Awaited& awaited, base::TimePoint deadline) {
    if (query.size() > max_parked_query)
        return Added::full;
    const std::uint32_t client_hash = hash(client, query);
    std::size_t of_service = 0;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
        of_service += heads_[i].awaited.service == awaited.service;
        if (heads_[i].client_hash == client_hash && same_client(this->client(i), client) &&
            std::ranges::equal(this->query(i), query))
            return Added::known;
    }
    if (free_.empty() || of_service >= (entries_.size() + 1) / 2)
        return Added::full;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Entry& entry = entries_[index];
    entry.client = client;
    entry.size = query.size();
    std::ranges::copy(query, entry.query.begin());
    heads_.push_back({deadline, awaited, client_hash, index});
    return Added::yes;
}

void ParkedQueries::remove(std::size_t i) {
    free_.push_back(heads_[i].entry);
    heads_[i] = heads_.back();
    heads_.pop_back();
}

base::TimePoint ParkedQueries::next_deadline() const {
    return std::ranges::min_element(heads_, {}, &Head::deadline)->deadline;
}

}  // namespace summond::net
