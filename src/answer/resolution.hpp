// Finds the records that answer one question and writes them: RFC 1034 §4.3.2 steps 2 to 6, and of
// signed zones the signatures and proofs (RFC 4035 §3.1, RFC 5155 §7.2; proofs.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "packet.hpp"
#include "summond/answer/answer.hpp"
#include "summond/answer/rules.hpp"
#include "summond/answer/signatures.hpp"
#include "summond/answer/statement.hpp"
#include "summond/dns/message.hpp"
#include "summond/zone/zone.hpp"

namespace summond::answer {

enum class Outcome : std::uint8_t {
    complete,           // the packet is the answer
    not_authoritative,  // the name is in no zone
    asleep,             // an address of service() is asked for, which does not run
    failed,             // the same, and its start has failed
    not_loaded,         // the name's zone could not be loaded
    not_signed,         // what has to be signed first: context.wanted, if signs()
    no_place,           // as asleep, of an instance by rule, and there are too many of these
    no_address,         // it has none now, and this query gets it none
    unproved,           // as asleep, and the client has to show its address first
};

class Resolution {
  public:
    // hash: of the query's name. proved: the client's address is not forged.
    Resolution(const dns::Query& query, std::uint64_t hash, Packet& packet, Context& context,
               bool proved)
        : query_(query),
          hash_(hash),
          packet_(packet),
          context_(context),
          zones_(context.zones),
          proved_(proved) {}

    Outcome run();
    std::uint32_t service() const { return service_; }
    // Whether service() is answered for and yet has to be woken.
    bool wakes_service() const { return wakes_service_; }
    // Whether context.wanted is to be signed: for this answer, or for another one.
    bool signs() const { return chain_ != nullptr && signs_; }
    // How many signatures that were made when asked for it has.
    std::uint8_t stated() const { return chain_ == nullptr ? 0 : stated_; }

  private:
    using Node = zone::image::Node;
    using RRset = zone::image::RRset;

    // What to do after one name of a chain of aliases.
    enum class Step : std::uint8_t {
        done,
        follow,
        asleep,
        failed,
        not_loaded,
        no_place,
        no_address,
        unproved,
    };

    void choose_side(zone::Zones::Found& found) const;
    Step solve_name(zone::Zones::Found found, const dns::FoldedName& name);
    Step solve_node(const Node& node);
    Step solve_any(const Node& node);
    Step solve_signatures(const Node& node);
    std::optional<Step> solve_by_rule(const Node& encloser, const dns::FoldedName& name);
    Step solve_instance(const Rule& rule, std::string_view id, const Node& encloser);
    Step solve_address(const Rule& rule, std::string_view id, const Node& encloser);
    Step add_any();
    Step answer_any();
    Step answer_types();
    Step solve_dname(const Node& owner, const dns::FoldedName& name);
    Step add_answer(const RRset& rrset, const Node& node);
    std::optional<Step> add_replicas(const RRset& rrset);
    const base::IpAddress* choose_replica(dns::Type type);
    bool add_address(const RRset& of, const base::IpAddress& address);
    Step follow_cname(const Node& node);
    Step follow_alias(std::size_t target);
    Step refer(const Node& cut);
    Step deny(dns::Rcode rcode, const Node& node);
    Step truncate();
    // An RRset, with its signatures if they are wanted.
    bool add(Section section, const RRset& rrset, OwnerAt owner, std::size_t name_size) {
        return chain_ == nullptr ? packet_.add(section, rrset, owner, name_size)
                                 : add_signed(section, rrset, owner, name_size);
    }
    bool add_signed(Section section, const RRset& rrset, OwnerAt owner, std::size_t name_size);
    void begin_proofs();
    bool is_compact() const;
    void want_signature(Statement::Kind kind);
    void note_wanted(std::uint64_t tag, Statement::Kind kind, const StatedRecord& record);
    bool add_stated(Section section, Statement::Kind kind, bool with_record = true);
    bool add_leased(const Rule& rule, const Instances::Ipv4& ipv4);
    bool complete_answer(const RRset& rrset, const Node& node);
    void expanded();
    bool prove_expansions();
    bool prove_denial(dns::Rcode rcode, const Node& node);
    bool prove_no_name(const Node& encloser, bool with_encloser);
    bool prove_no_wildcard(const Node& encloser);
    bool prove_no_type(const Node& node);
    bool add_proof(const Node* link);
    bool in_loop() const;
    void add_addresses(const RRset& ns, std::size_t records, const Node* cut, bool below_cut);
    void add_targets(const RRset& rrset, std::size_t records);
    void mark_asked(std::uint32_t service);
    bool may_wake(std::uint32_t service) const;
    bool needs_proof(std::uint32_t service) const;
    bool add_addresses_of(const Node& target, OwnerAt owner);

    const dns::Query& query_;
    const std::uint64_t hash_;
    Packet& packet_;
    Context& context_;
    const zone::Zones& zones_;
    const bool proved_;

    std::uint32_t zone_ = 0;  // of the question; aliases are followed within it
    OwnerAt owner_{};         // of the records to add: the question's name or an alias's target
    dns::FoldedName alias_;   // the target being looked up, once an alias was followed
    // Of the zone, if it is signed and the client wants to see that (DO, RFC 4035 §3.1). Without
    // it, nothing of what follows about proofs is set.
    const zone::image::Chain* chain_ = nullptr;
    const dns::FoldedName* name_;  // that stands at owner_
    const Node* encloser_;         // of the name, where a wildcard stands for it
    bool made_;                    // the name has no node of its own
    bool not_signed_;
    bool signs_;
    std::uint8_t stated_;
    Instances::Ipv4 leased_{};  // of Statement::Kind::leased
    std::uint32_t service_ = 0;
    bool wakes_service_ = false;

    // RFC 1034 leaves the length of a chain open. A resolver goes on from where an answer ends.
    static constexpr std::size_t max_aliases = 16;
    std::array<OwnerAt, max_aliases> alias_owners_;
    struct AddedDname {
        const RRset* rrset;
        std::size_t target;  // offset in the packet
    };
    std::array<AddedDname, max_aliases> dnames_;  // in the answer already
    std::size_t aliases_ = 0;
    std::size_t dname_count_ = 0;
    // Names that a wildcard stood for in the answer section: proved in the authority section that
    // they do not exist themselves.
    struct Expansion {
        OwnerAt name;
        const Node* encloser;
    };
    std::array<Expansion, max_aliases + 1> expansions_;
    std::size_t expansion_count_;
    // What is in the authority section already. At most one for each expansion and three others.
    std::array<const Node*, max_aliases + 4> proofs_;
    std::size_t proof_count_;
};

}  // namespace summond::answer
