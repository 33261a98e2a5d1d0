#include "summond/answer/rules.hpp"

#include <algorithm>
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
        if (found.exact && found.node->zone != zone::image::none)
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
    }
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

}  // namespace summond::answer
