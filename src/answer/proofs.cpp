// What a client that validates is shown of a signed zone: the signatures of what the answer has,
// and that what is not there does not exist (RFC 4035 §3.1.3, RFC 5155 §7.2).

#include <algorithm>
#include <cstring>

#include "resolution.hpp"
#include "summond/sign/nsec3.hpp"

namespace summond::answer {

using dns::Rcode;
using dns::Type;
using zone::image::NodeFlag;

void Resolution::begin_proofs() {
    chain_ = zones_.chain(zone_);
    name_ = &query_.name;
    encloser_ = nullptr;
    expansion_count_ = 0;
    proof_count_ = 0;
    made_ = false;
    not_signed_ = false;
    signs_ = false;
    stated_ = 0;
    if (is_compact() && query_.edns.compact_ok)
        packet_.set_compact();
}

bool Resolution::is_compact() const {
    return chain_ != nullptr && chain_->compact != 0;
}

// NSEC and RRSIG of a name that has no node. Of all signatures that it could have that of its NSEC
// record will do.
Resolution::Step Resolution::answer_types() {
    return add_stated(Section::answer, Statement::Kind::types, query_.type == Type::nsec)
               ? Step::done
               : truncate();
}

// For who comes after this query; the worker sees to it.
void Resolution::want_signature(Statement::Kind kind) {
    StatedRecord record;
    if (context_.signatures == nullptr ||
        !state(zones_, context_.rules, zone_, kind, *name_, record, leased_))
        return;
    const std::uint64_t tag = context_.signatures->tag_of(zone_, kind, *name_, leased_);
    if (!context_.signatures->find(tag))
        note_wanted(tag, kind, record);
}

void Resolution::note_wanted(std::uint64_t tag, Statement::Kind kind, const StatedRecord& record) {
    signs_ = true;
    Statement& wanted = context_.wanted;
    wanted.tag = tag;
    wanted.content = record.content();
    wanted.kind = kind;
    wanted.ipv4 = leased_;
    wanted.apex_size = zones_.at<Node>(zones_.zone(zone_).apex)->name_size;
    wanted.size = static_cast<std::uint8_t>(name_->size);
    std::copy_n(name_->wire.begin(), name_->size, wanted.name.begin());
}

// A record about the current name, which stands at owner_, with its signatures. False: it does not
// fit, or is not signed yet (not_signed_).
bool Resolution::add_stated(Section section, Statement::Kind kind, bool with_record) {
    const Node& apex = *zones_.at<Node>(zones_.zone(zone_).apex);
    StatedRecord record;
    Signatures* const signatures = context_.signatures;
    not_signed_ = true;
    if (signatures == nullptr ||
        !state(zones_, context_.rules, zone_, kind, *name_, record, leased_))
        return false;
    const std::uint64_t tag = signatures->tag_of(zone_, kind, *name_, leased_);
    const auto made = signatures->find(tag);
    if (!made || !made->is_valid(context_.now)) {
        note_wanted(tag, kind, record);
        return false;
    }
    if (made->count == 0)  // the signer has refused it
        return false;
    not_signed_ = false;
    if (made->is_due(context_.now))
        note_wanted(tag, kind, record);
    // The owner of a record that covers the name is another one.
    const bool own = kind != Statement::Kind::covered;
    const auto add = [&](Type type, std::span<const std::uint8_t> rdata) {
        return own ? packet_.add(section, owner_, type, record.ttl, rdata)
                   : packet_.add_named(section, record.owner_octets(), type, record.ttl, rdata);
    };
    if (with_record && !add(record.type, record.rdata_octets()))
        return false;
    for (std::size_t i = 0; i < made->count; ++i) {
        const auto& signature = made->signature[i];
        RrsigRdata rdata;
        const std::size_t size = write_rrsig(
            record, {signature.algorithm, signature.key_tag, made->inception, made->expiration},
            {apex.name(), apex.name_size}, signature.octets, rdata);
        if (!add(Type::rrsig, {rdata.data(), size}))
            return false;
        ++stated_;
    }
    return true;
}

// An answer has been given for the current name. Where a wildcard stands for it, more is to be
// shown: not now, since the answer section has to be complete first.
void Resolution::expanded() {
    if (encloser_ != nullptr)
        expansions_[expansion_count_++] = {owner_, encloser_};
}

// What comes with the record set that has just been added and ends the answer section.
bool Resolution::complete_answer(const RRset& rrset, const Node& node) {
    if (rrset.is_signed != 0 &&
        !packet_.add(Section::answer, *rrset.next(), owner_, node.name_size))
        return false;
    expanded();
    return prove_expansions();
}

// Both or none of them.
bool Resolution::add_signed(Section section, const RRset& rrset, OwnerAt owner,
                            std::size_t name_size) {
    if (section == Section::answer)
        expanded();
    if (rrset.is_signed == 0)
        return packet_.add(section, rrset, owner, name_size);
    const RRset& signatures = *rrset.next();
    return packet_.has_room(std::size_t{rrset.size} + signatures.size) &&
           packet_.add(section, rrset, owner, name_size) &&
           packet_.add(section, signatures, owner, name_size);
}

// RFC 4035 §3.1.3.3, RFC 5155 §7.2.6.
bool Resolution::prove_expansions() {
    const OwnerAt owner = owner_;
    const dns::FoldedName* const name = name_;
    dns::FoldedName expanded;
    name_ = &expanded;
    bool complete = true;
    for (std::size_t i = 0; i < expansion_count_ && complete; ++i) {
        owner_ = expansions_[i].name;
        packet_.read_name(owner_.offset, expanded);
        complete = prove_no_name(*expansions_[i].encloser, false);
    }
    expansion_count_ = 0;
    owner_ = owner;
    name_ = name;
    return complete;
}

bool Resolution::prove_denial(Rcode rcode, const Node& node) {
    if (is_compact())
        return made_ ? add_stated(Section::authority, Statement::Kind::types) : prove_no_type(node);
    if (rcode == Rcode::nxdomain)
        return prove_no_name(node, true) && prove_no_wildcard(node);
    if (encloser_ != nullptr && !prove_no_name(*encloser_, true))
        return false;
    return prove_no_type(node);
}

// That the current name does not exist: NSEC has one record for that, NSEC3 one about the name
// below the closest encloser and, but for an answer made from a wildcard, one about the encloser
// itself.
bool Resolution::prove_no_name(const Node& encloser, bool with_encloser) {
    if (is_compact())
        return add_stated(Section::authority, Statement::Kind::covered);
    if (chain_->hashed == 0)
        return add_proof(zones_.find(*chain_, *name_).node);
    if ((encloser.flags & NodeFlag::covered) != 0)
        return prove_no_type(encloser);
    if (with_encloser && !add_proof(zones_.at<Node>(encloser.denial)))
        return false;
    std::size_t labels = 1;
    while (name_->suffix_size(labels) <= encloser.name_size)
        ++labels;
    const auto label = sign::nsec3_label(sign::nsec3_hash(
        {name_->suffix(labels), name_->suffix_size(labels)}, {chain_->iterations, chain_->salt()}));
    const Node& apex = *zones_.at<Node>(zones_.zone(zone_).apex);
    std::array<std::uint8_t, sign::nsec3_label_size + dns::max_name_size> wire;
    std::ranges::copy(label, wire.begin());
    std::copy_n(apex.name(), apex.name_size, wire.begin() + label.size());
    dns::FoldedName hashed;
    if (!hashed.assign({wire.data(), label.size() + apex.name_size}))
        return true;
    return add_proof(zones_.find(*chain_, hashed).node);
}

// That there is no wildcard below the closest encloser, which would stand for the current name.
bool Resolution::prove_no_wildcard(const Node& encloser) {
    if (chain_->hashed != 0) {
        const Node* provable = &encloser;
        while ((provable->flags & NodeFlag::covered) != 0)
            provable = zones_.parent(*provable);
        const Node& link = *zones_.at<Node>(provable->denial);
        return link.wildcard == 0 || add_proof(zones_.at<Node>(link.wildcard));
    }
    std::array<std::uint8_t, 2 + dns::max_name_size> wire{1, '*'};
    std::copy_n(encloser.name(), encloser.name_size, wire.begin() + 2);
    dns::FoldedName wildcard;
    if (!wildcard.assign({wire.data(), 2U + encloser.name_size}))
        return true;
    return add_proof(zones_.find(*chain_, wildcard).node);
}

// That an existing name has not the type, by the record about it. Where NSEC3 has none, since
// nothing signed is there (RFC 5155 §7.2.4, §7.2.7): that it and those above it may be such names.
bool Resolution::prove_no_type(const Node& node) {
    if (node.denial == 0)
        return true;
    const Node* provable = &node;
    const Node* below = nullptr;
    while (chain_->hashed != 0 && (provable->flags & NodeFlag::covered) != 0) {
        below = provable;
        provable = zones_.parent(*provable);
    }
    return add_proof(zones_.at<Node>(provable->denial)) &&
           (below == nullptr || add_proof(zones_.at<Node>(below->denial)));
}

// A link of the chain with its signatures, once.
bool Resolution::add_proof(const Node* link) {
    const auto end = proofs_.begin() + static_cast<std::ptrdiff_t>(proof_count_);
    if (std::find(proofs_.begin(), end, link) != end || proof_count_ == proofs_.size())
        return true;
    proofs_[proof_count_++] = link;
    const RRset& set = *link->find(chain_->hashed != 0 ? Type::nsec3 : Type::nsec);
    // As much of its name as the current one ends in stands in the answer already.
    std::size_t before = 0;
    std::size_t labels = name_->labels;
    while (true) {
        const std::size_t rest = link->name_size - before;
        while (name_->suffix_size(labels) > rest)
            --labels;
        if (name_->suffix_size(labels) == rest &&
            std::memcmp(name_->suffix(labels), link->name() + before, rest) == 0)
            break;
        before += 1U + link->name()[before];
    }
    const OwnerAt rest = packet_.suffix(owner_, link->name_size - before);
    if (before == 0)
        return add(Section::authority, set, rest, link->name_size);
    OwnerAt owner{};
    return packet_.add_with_owner(Section::authority, set, *link, before, rest, owner) &&
           (set.is_signed == 0 ||
            packet_.add(Section::authority, *set.next(), owner, link->name_size));
}

}  // namespace summond::answer
