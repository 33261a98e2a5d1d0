#include "summond/answer/rules.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

namespace summond::answer {
namespace {

std::size_t fixed_size(const Rule& rule) {
    return rule.name == nullptr ? 0 : rule.name->before.size() + rule.name->after.size();
}

}  // namespace

Rules::Rules(const zone::Zones& zones, std::span<const service::Template> services,
             std::uint32_t places)
    : instances_(static_cast<std::uint32_t>(services.size()), places, zones.header().seed) {
    const auto add = [&zones](std::vector<Rule>& to, const dns::Name& parent, Rule rule) {
        dns::FoldedName name;
        name.assign(parent.wire());
        const auto found = zones.find(name);
        rule.parent = found.node;
        if (!found.exact || found.node->zone == zone::image::none)
            return;
        // Names that would have no signature in a signed zone; the loader has said so.
        const auto* const chain = zones.chain(found.node->zone);
        if (chain == nullptr || chain->compact != 0)
            to.push_back(std::move(rule));
    };
    for (std::uint32_t i = 0; i < services.size(); ++i) {
        const auto& pattern = services[i].pattern;
        if (!pattern)
            continue;
        for (const service::Pattern::Name& name : pattern->names)
            add(rules_, name.parent, {nullptr, i, services[i].ttl, pattern, &name});
        if (pattern->tells_ids())
            add(reverse_, pattern->addresses->reverse_parent(),
                {nullptr, i, services[i].ttl, pattern, nullptr});
        if (!pattern->pool)
            continue;
        for (const dns::Name& parent : pattern->pool->reverse_parents())
            add(reverse_, parent, {nullptr, i, services[i].ttl, pattern, nullptr, true});
    }
    // Whose address it is, nobody could show: signer does not know.
    std::erase_if(reverse_, [&](const Rule& rule) {
        return rule.of_pool && zones.chain(rule.parent->zone) != nullptr;
    });
    std::stable_sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) {
        return a.parent != b.parent ? std::less<>()(a.parent, b.parent)
                                    : fixed_size(a) > fixed_size(b);
    });
}

std::span<const Rule> Rules::below(const zone::image::Node& node) const noexcept {
    const auto first = std::partition_point(rules_.begin(), rules_.end(), [&](const Rule& rule) {
        return std::less<>()(rule.parent, &node);
    });
    const auto last =
        std::find_if(first, rules_.end(), [&](const Rule& rule) { return rule.parent != &node; });
    return {first, last};
}

const Rule* Rules::reverse_of(const dns::FoldedName& name, std::uint32_t zone) const noexcept {
    for (const Rule& rule : reverse_) {
        const zone::image::Node& parent = *rule.parent;
        if (parent.zone == zone && name.size > parent.name_size &&
            std::memcmp(&name.wire[name.size - parent.name_size], parent.name(),
                        parent.name_size) == 0)
            return &rule;
    }
    return nullptr;
}

std::optional<ByRule> Rules::find(const zone::image::Node& encloser,
                                  const dns::FoldedName& name) const noexcept {
    if (const auto rules = below(encloser); !rules.empty()) {
        // The label directly below the encloser.
        std::size_t label = 0;
        while (name.start[label] + 1U + name.wire[name.start[label]] + encloser.name_size <
               name.size)
            ++label;
        const std::uint8_t* const at = &name.wire[name.start[label]];
        const std::string_view text(reinterpret_cast<const char*>(at + 1), *at);
        for (const Rule& rule : rules)
            if (const auto id = rule.pattern->id_in(text, *rule.name))
                return ByRule{label > 0 ? ByRule::Kind::below_instance : ByRule::Kind::instance,
                              &rule, *id};
    }
    const Rule* const reverse = reverse_of(name, encloser.zone);
    if (reverse == nullptr)
        return std::nullopt;
    return reverse->of_pool ? find_leased(*reverse, name) : find_address(*reverse, name);
}

// One label, of up to three digits, below the rule's parent.
std::optional<ByRule> Rules::find_leased(const Rule& rule, const dns::FoldedName& name) const {
    const std::uint8_t* const label = name.wire.data();
    if (name.size - 1U - label[0] != rule.parent->name_size || label[0] > 3 ||
        (label[0] > 1 && label[1] == '0'))
        return std::nullopt;
    unsigned octet = 0;
    for (std::size_t i = 1; i <= label[0]; ++i) {
        if (label[i] < '0' || label[i] > '9')
            return std::nullopt;
        octet = octet * 10 + (label[i] - '0');
    }
    if (octet > 255)
        return std::nullopt;
    // The parent is OCTET.OCTET.OCTET.in-addr.arpa.
    Instances::Ipv4 address{0, 0, 0, static_cast<std::uint8_t>(octet)};
    const std::uint8_t* at = rule.parent->name();
    for (std::size_t i = 3; i > 0; --i, at += 1U + at[0])
        for (std::size_t digit = 1; digit <= at[0]; ++digit)
            address[i - 1] = static_cast<std::uint8_t>(address[i - 1] * 10 + (at[digit] - '0'));
    const auto taken = instances_.leased(address);
    if (!taken)
        return std::nullopt;
    // Pools of several services may be below one name.
    const auto own = std::ranges::find_if(reverse_, [&](const Rule& each) {
        return each.of_pool && each.service == taken->service && each.parent == rule.parent;
    });
    if (own == reverse_.end())
        return std::nullopt;
    return ByRule{ByRule::Kind::address, &*own, {}, taken->id};
}

// A name of an address of the rule's prefix, or above such names.
std::optional<ByRule> Rules::find_address(const Rule& rule, const dns::FoldedName& name) {
    constexpr std::string_view digits = "0123456789abcdef";
    const service::IdAddresses& addresses = *rule.pattern->addresses;
    const std::size_t nibbles = (128 - addresses.prefix().length) / 4;
    std::array<std::uint8_t, 16> octets{};
    std::ranges::copy(addresses.prefix().address.bytes(), octets.begin());
    std::size_t count = 0;
    for (; name.size - name.start[count] > rule.parent->name_size; ++count) {
        const std::uint8_t* const label = &name.wire[name.start[count]];
        const auto digit = digits.find(static_cast<char>(label[1]));
        if (count == nibbles || label[0] != 1 || digit == std::string_view::npos)
            return std::nullopt;
        octets[15 - count / 2] =
            static_cast<std::uint8_t>(octets[15 - count / 2] | digit << (count % 2 == 0 ? 0 : 4));
    }
    if (count < nibbles)
        return ByRule{ByRule::Kind::above_addresses, &rule};
    const auto id = rule.pattern->id_at(base::IpAddress::v6(octets));
    if (!id)
        return std::nullopt;
    return ByRule{ByRule::Kind::address, &rule, {}, *id};
}

std::size_t Rule::write_target(std::string_view id, dns::NameBuffer& to) const noexcept {
    const service::Pattern::Name& target = pattern->names.front();
    std::size_t size = 1;
    const auto append = [&](std::string_view part) {
        std::memcpy(&to[size], part.data(), part.size());
        size += part.size();
    };
    append(target.before);
    append(pattern->text_of(id).view());
    append(target.after);
    to[0] = static_cast<std::uint8_t>(size - 1);
    const auto parent = target.parent.wire();
    std::memcpy(&to[size], parent.data(), parent.size());
    return size + parent.size();
}

}  // namespace summond::answer
