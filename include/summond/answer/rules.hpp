// Which names there are by the rules of services (service::Pattern), as queries meet them: below
// nodes of the zone image. Made once; look-ups are for any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "summond/answer/instances.hpp"
#include "summond/service/template.hpp"
#include "summond/zone/zone.hpp"

namespace summond::answer {

struct Rule {
    const zone::image::Node* parent;  // the names are below
    std::uint32_t service;            // in the order of the image's table
    std::uint32_t ttl;
    std::shared_ptr<const service::Pattern> pattern;
    const service::Pattern::Name* name;  // null: names of addresses (RFC 3596 §2.5)
    bool of_pool = false;                // of those that are leased (RFC 1035 §3.5)

    // The name that the address of an id points at; its size.
    std::size_t write_target(std::string_view id, dns::NameBuffer& to) const noexcept;
};

// What a name that no record makes is by a rule.
struct ByRule {
    enum class Kind : std::uint8_t {
        instance,         // has an address
        below_instance,   // does not exist
        address,          // points at an instance's name
        above_addresses,  // an empty non-terminal (RFC 8020)
    };
    Kind kind;
    const Rule* rule;
    std::string_view id{};         // of an instance; a part of the name
    service::IdText of_address{};  // of an address
};

class Rules {
  public:
    // services: in the order of the image's table. places: how many instances may be up or on their
    // way. zones outlives the rules.
    Rules(const zone::Zones& zones, std::span<const service::Template> services,
          std::uint32_t places);

    // encloser: the closest one of a name that has no node. None: no rule has the name.
    std::optional<ByRule> find(const zone::image::Node& encloser,
                               const dns::FoldedName& name) const noexcept;

    // Whose names are directly below; those with more fixed characters first.
    std::span<const Rule> below(const zone::image::Node& node) const noexcept;
    // Of whose addresses a name is, or is above; null: of nobody's. zone: that the name is in.
    const Rule* reverse_of(const dns::FoldedName& name, std::uint32_t zone) const noexcept;

    Instances& instances() { return instances_; }

  private:
    std::optional<ByRule> find_leased(const Rule& rule, const dns::FoldedName& name) const;
    static std::optional<ByRule> find_address(const Rule& rule, const dns::FoldedName& name);

    std::vector<Rule> rules_;    // sorted by parent
    std::vector<Rule> reverse_;  // of addresses that tell their ids, or are leased to one
    Instances instances_;
};

}  // namespace summond::answer
