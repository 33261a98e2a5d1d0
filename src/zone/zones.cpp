// Look-ups in a zone image.
#include <algorithm>
#include <cstring>

#include "summond/dns/canonical.hpp"
#include "summond/zone/zone.hpp"

namespace summond::zone {

namespace image {

namespace {

std::uint64_t load64(const std::uint8_t* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// Both halves of the product carry entropy of all input bits.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t hash(const std::uint8_t* name, std::size_t size, std::uint64_t seed) {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    std::uint64_t state = seed ^ (size * odd);
    for (std::size_t i = 0; i < size; i += 8)
        state = mix(state ^ load64(name + i), odd) ^ seed;
    return mix(state ^ odd, seed | 1);
}

}  // namespace image

base::Result<Zones> Zones::open(std::span<const std::uint8_t> bytes) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % image::unit != 0)
        return base::error("zone image is not aligned");
    if (bytes.size() < sizeof(image::Header))
        return base::error("zone image is cut short");
    const Zones zones(bytes);
    if (zones.header().magic != image::magic)
        return base::error("zone image has a layout that this version does not know");
    if (zones.header().size != bytes.size())
        return base::error("zone image has another size than it says");
    return zones;
}

service::Id Zones::service_id(std::size_t index) const {
    return at<service::Id>(header().services)[index];
}

const image::Node* Zones::probe(const std::uint8_t* name, std::size_t size,
                                std::uint64_t hash) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::uint64_t i = hash;; ++i) {
        const image::Slot& candidate = slot(i);
        if (candidate.node == 0)
            return nullptr;
        if (candidate.tag != tag)
            continue;
        const auto* node = at<image::Node>(candidate.node);
        if (node->name_size == size && std::memcmp(node->name(), name, size) == 0)
            return node;
    }
}

// The name of the last `labels` labels.
const image::Node* Zones::probe(const dns::FoldedName& name, std::size_t labels) const {
    const std::uint8_t* const suffix = name.suffix(labels);
    const std::size_t size = name.suffix_size(labels);
    return probe(suffix, size, image::hash(suffix, size, header().seed));
}

void Zones::prefetch_node(std::uint64_t hash) const {
    constexpr std::size_t cache_line = 64;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    std::uint64_t i = hash;
    while (slot(i).node != 0 && slot(i).tag != tag)
        ++i;
    const auto* node = at<std::uint8_t>(slot(i).node);
    __builtin_prefetch(node);
    __builtin_prefetch(node + cache_line);
}

Zones::Found Zones::find(const dns::FoldedName& name, std::uint64_t hash) const {
    if (name.labels <= header().max_labels) {
        if (const auto* node = probe(name.wire.data(), name.size, hash))
            return {node, true};
    }
    // The suffixes of `low` labels and fewer exist, those of more than `high` labels do not. Most
    // names that do not exist lack one label only, so the longest suffix is tried first.
    std::size_t low = 0;
    std::size_t high = name.labels == 0 ? 0 : name.labels - 1U;
    if (high > header().max_labels)
        high = header().max_labels;
    const image::Node* encloser = nullptr;
    for (std::size_t count = high; low < high; count = (low + high + 1) / 2) {
        if (const auto* node = probe(name, count)) {
            encloser = node;
            low = count;
        } else {
            high = count - 1;
        }
    }
    if (encloser == nullptr)
        encloser = probe(name, 0);
    return {encloser, false};
}

const image::Node* Zones::parent(const image::Node& node) const {
    dns::FoldedName name;
    name.assign({node.name(), node.name_size});
    return probe(name, name.labels - 1U);
}

Zones::Link Zones::find(const image::Chain& chain, const dns::FoldedName& name) const {
    const std::uint64_t key = dns::canonical_key(name, chain.apex_labels);
    const auto keys = chain.keys();
    const auto order = [&](std::size_t i) {
        const auto* node = at<image::Node>(chain.nodes()[i]);
        dns::FoldedName linked;
        linked.assign({node->name(), node->name_size});
        return dns::compare_canonical(linked, name, chain.apex_labels);
    };
    auto low = static_cast<std::size_t>(std::ranges::lower_bound(keys, key) - keys.begin());
    auto high = low;
    while (high < keys.size() && keys[high] == key)
        ++high;
    // Of those whose names begin alike, the first that is behind the name.
    bool exact = false;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        const int difference = order(middle);
        exact = exact || difference == 0;
        if (difference <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const std::size_t found = low == 0 ? keys.size() - 1 : low - 1;
    return {at<image::Node>(chain.nodes()[found]), exact};
}

}  // namespace summond::zone
