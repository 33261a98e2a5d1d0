// Names that no record makes, but the rule of a service with an instance for each id
// (docs/design/patterns.md). Where a name has records, or stands below one that has, those are the
// answer; a wildcard beside the rule is for what the rule leaves out (RFC 4592 §3.3.1: the closest
// encloser of a name below an id is that id's name).

#include <algorithm>
#include <array>
#include <cstring>

#include "resolution.hpp"

namespace summond::answer {

using dns::Rcode;
using dns::Type;

std::optional<Resolution::Step> Resolution::solve_by_rule(const Node& encloser,
                                                          const dns::FoldedName& name) {
    const auto rules = context_.rules->below(encloser);
    if (!rules.empty()) {
        // The label directly below the encloser.
        std::size_t label = 0;
        while (name.start[label] + 1U + name.wire[name.start[label]] + encloser.name_size <
               name.size)
            ++label;
        const std::uint8_t* const at = &name.wire[name.start[label]];
        const std::string_view text(reinterpret_cast<const char*>(at + 1), *at);
        for (const Rule& rule : rules)
            if (const auto id = rule.pattern->id_in(text, *rule.name))
                return label > 0 ? deny(Rcode::nxdomain, encloser)
                                 : solve_instance(rule, *id, encloser);
    }
    const Rule* const reverse = context_.rules->reverse_of(name, encloser.zone);
    return reverse == nullptr ? std::nullopt : solve_address(*reverse, encloser, name);
}

Resolution::Step Resolution::solve_instance(const Rule& rule, std::string_view id,
                                            const Node& encloser) {
    if (query_.type == Type::any)
        return add_any();
    if (query_.type != Type::aaaa)
        return deny(Rcode::noerror, encloser);
    Instances& instances = context_.rules->instances();
    const InstanceKey key{rule.service, id};
    auto found = instances.find(key);
    const bool may = may_wake(rule.service);
    bool waiting = false;
    if (found)
        service_ = found->number;
    switch (found ? context_.services[found->number].availability.load(std::memory_order_acquire)
                  : Availability::asleep) {
        case Availability::answerable:
            break;
        case Availability::waiting:
            waiting = may;
            break;
        case Availability::failed:
            if (may)
                return Step::failed;
            break;
        default:
            if (!may || (context_.overdue && context_.services[rule.service].holds_packets))
                break;
            if (!found)
                found = instances.take(key, rule.pattern->addresses->of(id));
            if (!found)
                return Step::no_place;
            service_ = found->number;
            return Step::asleep;
    }
    std::array<std::uint8_t, 16> address{};
    if (found)
        address = found->address;
    else
        std::ranges::copy(rule.pattern->addresses->of(id).bytes(), address.begin());
    if (!packet_.add(Section::answer, owner_, Type::aaaa, rule.ttl, address))
        return truncate();
    if (found && may) {
        auto& asked = context_.services[found->number].asked;
        if (!asked.load(std::memory_order_relaxed))
            asked.store(true, std::memory_order_relaxed);
    }
    wakes_service_ = waiting;
    return Step::done;
}

// A name of an address of the rule's prefix, or above such names. None: there is no such name.
std::optional<Resolution::Step> Resolution::solve_address(const Rule& rule, const Node& encloser,
                                                          const dns::FoldedName& name) {
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
        return deny(Rcode::noerror, encloser);  // RFC 8020
    const auto id = rule.pattern->id_at(base::IpAddress::v6(octets));
    if (!id)
        return std::nullopt;
    if (query_.type == Type::any)
        return add_any();
    if (query_.type != Type::ptr)
        return deny(Rcode::noerror, encloser);
    const service::Pattern::Name& target = rule.pattern->names.front();
    std::array<std::uint8_t, dns::max_name_size> wire;
    std::size_t size = 1;
    const auto append = [&](std::string_view part) {
        std::memcpy(&wire[size], part.data(), part.size());
        size += part.size();
    };
    append(target.before);
    append(rule.pattern->text_of(id->view()).view());
    append(target.after);
    wire[0] = static_cast<std::uint8_t>(size - 1);
    const auto parent = target.parent.wire();
    std::memcpy(&wire[size], parent.data(), parent.size());
    size += parent.size();
    return packet_.add(Section::answer, owner_, Type::ptr, rule.ttl, {wire.data(), size})
               ? Step::done
               : truncate();
}

}  // namespace summond::answer
