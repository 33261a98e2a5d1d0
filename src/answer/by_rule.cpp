// Names that no record makes, but the rule of a service with an instance for each id
// (docs/design/patterns.md). Where a name has records, or stands below one that has, those are the
// answer; a wildcard beside the rule is for what the rule leaves out (RFC 4592 §3.3.1: the closest
// encloser of a name below an id is that id's name).

#include <algorithm>
#include <array>

#include "resolution.hpp"

namespace summond::answer {

using dns::Rcode;
using dns::Type;

std::optional<Resolution::Step> Resolution::solve_by_rule(const Node& encloser,
                                                          const dns::FoldedName& name) {
    const auto found = context_.rules->find(encloser, name);
    if (!found)
        return std::nullopt;
    switch (found->kind) {
        case ByRule::Kind::instance:
            return solve_instance(*found->rule, found->id, encloser);
        case ByRule::Kind::below_instance:
            return deny(Rcode::nxdomain, encloser);
        case ByRule::Kind::address:
            return solve_address(*found->rule, found->of_address.view(), encloser);
        case ByRule::Kind::above_addresses:
            break;
    }
    return deny(Rcode::noerror, encloser);  // RFC 8020
}

// Of ANY the NSEC record is a record set as good as any (RFC 8482 §4.1), and wakes nobody.
Resolution::Step Resolution::answer_any() {
    if (!is_compact())
        return add_any();
    return add_stated(Section::answer, Statement::Kind::types) ? Step::done : truncate();
}

Resolution::Step Resolution::solve_instance(const Rule& rule, std::string_view id,
                                            const Node& encloser) {
    if (query_.type == Type::any)
        return answer_any();
    const bool leased = query_.type == Type::a && rule.pattern->pool;
    if (query_.type != Type::aaaa && !leased)
        return deny(Rcode::noerror, encloser);
    Instances& instances = context_.rules->instances();
    const InstanceKey key{rule.service, id};
    auto found = instances.find(key);
    const bool may = may_wake(rule.service);
    bool waiting = false;
    if (found)
        service_ = found->number;
    // Whether its address is its own: of one that sleeps, it may be another's soon.
    bool is_there = true;
    switch (found ? context_.services[found->number].availability.load(std::memory_order_acquire)
                  : Availability::asleep) {
        case Availability::answerable:
            break;
        case Availability::waiting:
            waiting = may;
            if (may && needs_proof(rule.service))
                return Step::unproved;
            break;
        case Availability::failed:
            if (may)
                return Step::failed;
            is_there = false;
            break;
        case Availability::starting:
        case Availability::asleep:
            if (!may || (context_.overdue && context_.services[rule.service].holds_packets)) {
                is_there = found && context_.services[found->number].availability.load(
                                        std::memory_order_relaxed) == Availability::starting;
                break;
            }
            if (needs_proof(rule.service))
                return Step::unproved;
            if (!found)
                found = instances.take(key, rule.pattern->addresses->of(id));
            if (!found)
                return Step::no_place;
            service_ = found->number;
            if (is_compact() && !leased)  // it is there by the time that the domain is
                want_signature(Statement::Kind::address);
            return Step::asleep;
    }
    // Its lease may not be kept yet, by which it is known.
    const bool has_one = found && is_there && found->ipv4 != Instances::Ipv4{};
    if (leased && !has_one)
        return found && is_there && may && !context_.overdue ? Step::asleep : Step::no_address;
    std::array<std::uint8_t, 16> address{};
    if (found)
        address = found->address;
    else
        std::ranges::copy(rule.pattern->addresses->of(id).bytes(), address.begin());
    if (leased) {
        if (!add_leased(rule, found->ipv4))
            return truncate();
    } else if (is_compact() ? !add_stated(Section::answer, Statement::Kind::address)
                            : !packet_.add(Section::answer, owner_, Type::aaaa, rule.ttl, address))
        return truncate();
    if (found && (may || leased)) {  // a lease lasts as long as any answer
        auto& asked = context_.services[found->number].asked;
        if (!asked.load(std::memory_order_relaxed))
            asked.store(true, std::memory_order_relaxed);
    }
    wakes_service_ = waiting;
    return Step::done;
}

bool Resolution::add_leased(const Rule& rule, const Instances::Ipv4& ipv4) {
    leased_ = ipv4;
    return is_compact() ? add_stated(Section::answer, Statement::Kind::leased)
                        : packet_.add(Section::answer, owner_, Type::a, rule.ttl, ipv4);
}

Resolution::Step Resolution::solve_address(const Rule& rule, std::string_view id,
                                           const Node& encloser) {
    if (query_.type == Type::any)
        return answer_any();
    if (query_.type != Type::ptr)
        return deny(Rcode::noerror, encloser);
    if (is_compact())
        return add_stated(Section::answer, Statement::Kind::pointer) ? Step::done : truncate();
    dns::NameBuffer target;
    const std::size_t size = rule.write_target(id, target);
    return packet_.add(Section::answer, owner_, Type::ptr, rule.ttl, {target.data(), size})
               ? Step::done
               : truncate();
}

}  // namespace summond::answer
