#include "resolution.hpp"

#include <algorithm>
#include <cstring>

#include "summond/dns/wire.hpp"

namespace summond::answer {

namespace {

using dns::Rcode;
using dns::Type;
using zone::image::NodeFlag;

// In front of a record's RDATA, whose owner is a compression pointer.
constexpr std::size_t rdata_offset = 12;

// Only these tell a client where to connect, so only these wake. HTTPS and SVCB do not: who asks
// for them asks for the addresses as well (RFC 9460 §3), and has no use for waiting twice.
bool delivers_address(Type type) {
    return type == Type::a || type == Type::aaaa;
}

// RFC 8482 §4.2, to be kept long: nobody needs ANY twice.
constexpr std::uint8_t any_hinfo[] = {7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
constexpr std::uint32_t any_ttl = 3600;

}  // namespace

Outcome Resolution::run() {
    owner_ = packet_.question();
    // Step 2: the closest zone.
    auto found = zones_.find(query_.name, hash_);
    if (found.node->zone == zone::image::none)
        return Outcome::not_authoritative;
    choose_side(found);
    zone_ = found.node->zone;
    if (query_.edns.dnssec_ok)
        begin_proofs();
    packet_.set_authoritative(true);
    Step step = solve_name(found, query_.name);
    while (step == Step::follow) {
        found = zones_.find(alias_);
        choose_side(found);
        // The data of another zone is not believed in this answer: its name is asked for anew.
        if (found.node->zone != zone_)
            step = Step::done;
        else
            step = solve_name(found, alias_);
    }
    if (step == Step::unproved)
        return Outcome::unproved;
    if (chain_ != nullptr) {
        if (step == Step::done && !packet_.truncated() && !prove_expansions())
            truncate();
        if (not_signed_)
            return Outcome::not_signed;
    }
    switch (step) {
        case Step::asleep:
            return Outcome::asleep;
        case Step::failed:
            return Outcome::failed;
        case Step::not_loaded:
            return Outcome::not_loaded;
        case Step::no_place:
            return Outcome::no_place;
        case Step::no_address:
            return Outcome::no_address;
        default:
            return Outcome::complete;
    }
}

// RFC 4035 §3.1.4.1: DS stands on the parent's side of a zone cut.
void Resolution::choose_side(zone::Zones::Found& found) const {
    if (query_.type != Type::ds || !found.exact || (found.node->flags & NodeFlag::apex) == 0)
        return;
    if (const auto parent_side = zones_.zone(found.node->zone).parent_side)
        found.node = zones_.at<Node>(parent_side);
}

// Step 3.
Resolution::Step Resolution::solve_name(zone::Zones::Found found, const dns::FoldedName& name) {
    const Node& node = *found.node;
    if (node.cut != 0) {
        const Node& cut = *zones_.at<Node>(node.cut);
        if ((cut.flags & NodeFlag::delegation) == 0)
            return solve_dname(cut, name);
        const bool at_cut = found.exact && &cut == &node;
        if (!at_cut || query_.type != Type::ds)
            return refer(cut);  // step 3b
    }
    if (found.exact)
        return solve_node(node);  // step 3a
    // Step 3c; node is the closest encloser.
    if ((node.flags & NodeFlag::dname) != 0)
        return solve_dname(node, name);
    made_ = true;
    if (is_compact() && (query_.type == Type::nsec || query_.type == Type::rrsig))
        return answer_types();
    if (context_.rules != nullptr)
        if (const auto step = solve_by_rule(node, name))
            return *step;
    if (node.wildcard != 0) {
        encloser_ = &node;
        return solve_node(*zones_.at<Node>(node.wildcard));
    }
    return deny(Rcode::nxdomain, node);  // RFC 2308 §2.1; RFC 6604 §3 behind an alias
}

// node is the name's own or the wildcard that stands for it (RFC 4592 §4).
Resolution::Step Resolution::solve_node(const Node& node) {
    if (query_.type == Type::any)
        return solve_any(node);
    if (query_.type == Type::rrsig)
        return solve_signatures(node);
    if (const RRset* rrset = node.find(query_.type))
        return add_answer(*rrset, node);
    if ((node.flags & NodeFlag::cname) != 0)
        return follow_cname(node);
    return deny(Rcode::noerror, node);  // NODATA, RFC 2308 §2.2
}

// RFC 8482: one record that says so instead of all there are. A CNAME is needed to go on (§4.2).
// A client that validates gets a record set that is signed (§4.1), of a service any but addresses.
Resolution::Step Resolution::solve_any(const Node& node) {
    if (node.rrset_count == 0)
        return deny(Rcode::noerror, node);
    const RRset* set = nullptr;
    if ((node.flags & NodeFlag::cname) != 0) {
        set = node.find(Type::cname);
    } else if (chain_ != nullptr) {
        const RRset* candidate = node.first();
        for (unsigned i = 0; i < node.rrset_count; ++i, candidate = candidate->next()) {
            const bool wakes =
                node.service != zone::image::none && delivers_address(candidate->type);
            if (candidate->is_signed != 0 && !wakes && (set == nullptr || set->type == Type::nsec))
                set = candidate;
        }
    }
    if (set == nullptr)
        return add_any();
    return add(Section::answer, *set, owner_, node.name_size) ? Step::done : truncate();
}

Resolution::Step Resolution::add_any() {
    return packet_.add(Section::answer, owner_, Type::hinfo, any_ttl, any_hinfo) ? Step::done
                                                                                 : truncate();
}

// All signatures of a name, which lie beside what they cover. As with any type, an alias is
// followed where there are none.
Resolution::Step Resolution::solve_signatures(const Node& node) {
    bool any = false;
    const RRset* set = node.first();
    for (unsigned i = 0; i < node.rrset_count; ++i, set = set->next()) {
        if (set->type != Type::rrsig)
            continue;
        if (!packet_.add(Section::answer, *set, owner_, node.name_size))
            return truncate();
        any = true;
    }
    if (any) {
        if (chain_ != nullptr)
            expanded();
        return Step::done;
    }
    return (node.flags & NodeFlag::cname) != 0 ? follow_cname(node) : deny(Rcode::noerror, node);
}

Resolution::Step Resolution::add_answer(const RRset& rrset, const Node& node) {
    const bool of_service = node.service != zone::image::none && delivers_address(rrset.type);
    const base::IpAddress* replica = nullptr;  // instead of what rrset has
    bool waiting = false;
    if (of_service) {
        service_ = node.service;
        if (context_.services[service_].replicas != nullptr) {
            if (const auto step = add_replicas(rrset))
                return *step;
            replica = choose_replica(rrset.type);
        }
        switch (context_.services[service_].availability.load(std::memory_order_acquire)) {
            case Availability::answerable:
                break;
            case Availability::waiting:
                waiting = may_wake(service_);
                if (waiting && needs_proof(service_))
                    return Step::unproved;
                break;
            case Availability::failed:
                if (may_wake(service_))
                    return Step::failed;
                break;
            default:
                if (may_wake(service_) &&
                    !(context_.overdue && context_.services[service_].holds_packets))
                    return needs_proof(service_) ? Step::unproved : Step::asleep;
                break;
        }
    }
    const std::size_t records = packet_.size();
    if (!(replica != nullptr ? add_address(rrset, *replica)
                             : packet_.add(Section::answer, rrset, owner_, node.name_size)))
        return truncate();
    if (of_service)
        mark_asked(service_);
    wakes_service_ = waiting;
    if (rrset.with_targets == 0 && rrset.is_signed == 0)
        return Step::done;
    if (chain_ != nullptr && !complete_answer(rrset, node))
        return truncate();
    if (rrset.with_targets == 0)
        return Step::done;
    if (rrset.type == Type::ns)
        add_addresses(rrset, records, nullptr, false);
    else
        add_targets(rrset, records);
    return Step::done;
}

bool Resolution::may_wake(std::uint32_t service) const {
    const Wakers* wakers = context_.services[service].wakers;
    return wakers == nullptr || wakers->contains(context_.client);
}

// Also of one that is starting: who waits takes a place that others need.
bool Resolution::needs_proof(std::uint32_t service) const {
    return !proved_ &&
           (context_.services[service].by_proof ||
            (context_.pressure != nullptr && context_.pressure->load(std::memory_order_relaxed)));
}

void Resolution::mark_asked(std::uint32_t service) {
    auto& asked = context_.services[service].asked;
    if (!asked.load(std::memory_order_relaxed) && may_wake(service))
        asked.store(true, std::memory_order_relaxed);
}

Resolution::Step Resolution::follow_cname(const Node& node) {
    if (in_loop())
        return Step::done;
    const std::size_t record = packet_.size();
    if (!add(Section::answer, *node.find(Type::cname), owner_, node.name_size))
        return truncate();
    return follow_alias(record + rdata_offset);
}

// RFC 6672 §3.2: the DNAME and the CNAME that it makes for this name.
Resolution::Step Resolution::solve_dname(const Node& owner, const dns::FoldedName& name) {
    if (in_loop())
        return Step::done;
    const RRset& dname = *owner.find(Type::dname);
    std::size_t i = 0;
    while (i < dname_count_ && dnames_[i].rrset != &dname)
        ++i;
    if (i == dname_count_) {
        dnames_[dname_count_++] = {&dname, packet_.size() + rdata_offset};
        if (!add(Section::answer, dname, packet_.suffix(owner_, owner.name_size), owner.name_size))
            return truncate();
    }
    // The labels below the DNAME's owner, in the case that the client sent, before its target.
    const std::uint8_t* target = dname.records() + rdata_offset;
    const std::size_t target_size = dns::get16(target - 2);
    const std::size_t kept = name.size - std::size_t{owner.name_size};
    if (kept + target_size > dns::max_name_size) {
        packet_.set_rcode(Rcode::yxdomain);  // RFC 6672 §2.2
        return Step::done;
    }
    std::array<std::uint8_t, dns::max_name_size> cname;
    packet_.copy_labels(owner_, kept, cname.data());
    std::size_t cname_size = kept + target_size;
    if (target_size > 2 && dnames_[i].target <= dns::max_pointer) {
        dns::put16(&cname[kept], static_cast<std::uint16_t>(0xc000 | dnames_[i].target));
        cname_size = kept + 2;
    } else {
        std::memcpy(&cname[kept], target, target_size);
    }
    const std::size_t record = packet_.size();
    const std::uint32_t ttl = dns::get32(dname.records() + 6);  // RFC 6672 §3.1
    if (!packet_.add(Section::answer, owner_, Type::cname, ttl, {cname.data(), cname_size}))
        return truncate();
    if (query_.type == Type::cname || query_.type == Type::any)
        return Step::done;
    return follow_alias(record + rdata_offset);
}

// Goes on with the name at this place in the answer.
Resolution::Step Resolution::follow_alias(std::size_t target) {
    alias_owners_[aliases_++] = owner_;
    packet_.read_name(target, alias_);
    name_ = &alias_;
    encloser_ = nullptr;
    made_ = false;
    owner_ = packet_.suffix({static_cast<std::uint16_t>(target), alias_.size}, alias_.size);
    return Step::follow;
}

// Whether the current name has been an alias in this answer before, or too many names have.
bool Resolution::in_loop() const {
    const auto end = alias_owners_.begin() + static_cast<std::ptrdiff_t>(aliases_);
    return aliases_ == max_aliases || std::any_of(alias_owners_.begin(), end, [this](OwnerAt seen) {
               return packet_.same_name(seen, owner_);
           });
}

Resolution::Step Resolution::refer(const Node& cut) {
    // RFC 1034 §4.2.1: not authoritative, but for an alias that leads here (RFC 2181 §10.1.1).
    packet_.set_authoritative(aliases_ > 0);
    const RRset& ns = *cut.find(Type::ns);
    const std::size_t records = packet_.size();
    if (!packet_.add(Section::authority, ns, packet_.suffix(owner_, cut.name_size), cut.name_size))
        return truncate();
    // RFC 4035 §3.1.4, RFC 5155 §7.2.7: the child's keys, or that it has none.
    if (chain_ != nullptr) {
        const RRset* const ds = cut.find(Type::ds);
        const OwnerAt owner = packet_.suffix(owner_, cut.name_size);
        if (ds != nullptr ? !add(Section::authority, *ds, owner, cut.name_size)
                          : !prove_no_type(cut))
            return truncate();
        if (!prove_expansions())
            return truncate();
    }
    // RFC 9471: without all glue for name servers below the cut the referral may be of no use.
    add_addresses(ns, records, &cut, true);
    if (!packet_.truncated())
        add_addresses(ns, records, &cut, false);
    return Step::done;
}

// RFC 2308 §3: the SOA with the TTL of negative answers. node: the name's own, that of the wildcard
// that stands for it, or of a name that does not exist its closest encloser.
Resolution::Step Resolution::deny(Rcode rcode, const Node& node) {
    const auto& zone = zones_.zone(zone_);
    if (zone.negative_soa == 0)
        return Step::not_loaded;
    // RFC 9824 §3.4, §5.1: a name that does not exist is shown as one that has nothing, which
    // others than those who say that they understand it are told in the rcode, too.
    const bool shown = rcode == Rcode::nxdomain && is_compact() && !query_.edns.compact_ok;
    packet_.set_rcode(shown ? Rcode::noerror : rcode);
    const std::size_t size = zones_.at<Node>(zone.apex)->name_size;
    if (!add(Section::authority, *zones_.at<RRset>(zone.negative_soa),
             packet_.suffix(packet_.question(), size), size))
        return truncate();
    if (chain_ != nullptr && !prove_denial(rcode, node))
        return truncate();
    return Step::done;
}

// RFC 2181 §9: what is required did not fit.
Resolution::Step Resolution::truncate() {
    packet_.set_truncated();
    return Step::done;
}

// The addresses of name servers whose records stand at `records` in the answer. With a cut, of
// those below it (below_cut, required) or of the others (RFC 9471 §2.2: sibling glue, not
// required).
void Resolution::add_addresses(const RRset& ns, std::size_t records, const Node* cut,
                               bool below_cut) {
    std::size_t record = records;
    for (const auto ref : ns.targets()) {
        const std::size_t target = record + rdata_offset;
        record = target + dns::get16(packet_.bytes() + target - 2);
        if (ref == 0)
            continue;
        const Node& node = *zones_.at<Node>(ref);
        const bool below = cut != nullptr && node.cut != 0 && zones_.at<Node>(node.cut) == cut;
        if (below != below_cut)
            continue;
        const OwnerAt at{static_cast<std::uint16_t>(target), node.name_size};
        if (!add_addresses_of(node, packet_.suffix(at, node.name_size)) && below_cut)
            return packet_.set_truncated();
    }
}

// What MX, SRV, SVCB and HTTPS records at `records` in the answer point at, of an SVCB alias its
// own bindings, too (RFC 9460 §4.1). The addresses of a service that does not run are left out: a
// client asks for them, which wakes it.
void Resolution::add_targets(const RRset& rrset, std::size_t records) {
    constexpr std::size_t most = 16;
    const bool binding = rrset.type == Type::svcb || rrset.type == Type::https;
    const auto refs = rrset.targets();
    std::size_t record = records;
    for (std::size_t i = 0; i < std::min(refs.size(), most); ++i) {
        const std::size_t rdata = record + rdata_offset;
        record = rdata + dns::get16(packet_.bytes() + rdata - 2);
        const std::size_t name = rdata + zone::image::target_offset(rrset.type);
        if (refs[i] == 0 || std::ranges::count(refs.first(i), refs[i]) > 0)
            continue;
        const Node& node = *zones_.at<Node>(refs[i]);
        if (node.cut != 0)
            continue;
        const OwnerAt owner =
            packet_.bytes()[name] == 0
                ? owner_
                : packet_.suffix({static_cast<std::uint16_t>(name), node.name_size},
                                 node.name_size);
        const RRset* of_alias =
            binding && dns::get16(packet_.bytes() + rdata) == 0 ? node.find(rrset.type) : nullptr;
        if (of_alias != nullptr && of_alias != &rrset)
            add(Section::additional, *of_alias, owner, node.name_size);
        if (node.service != zone::image::none) {
            if (context_.services[node.service].availability.load(std::memory_order_acquire) !=
                Availability::answerable)
                continue;
            mark_asked(node.service);
        }
        add_addresses_of(node, owner);
    }
}

// Those of a service too, asleep or not: this is not the answer by which a client connects to it.
bool Resolution::add_addresses_of(const Node& target, OwnerAt owner) {
    for (const Type type : {Type::a, Type::aaaa}) {
        const RRset* rrset = target.find(type);
        if (rrset != nullptr && !add(Section::additional, *rrset, owner, target.name_size))
            return false;
    }
    return true;
}

}  // namespace summond::answer
