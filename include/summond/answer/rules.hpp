// Which names there are by the rules of services (service::Pattern), as queries meet them: below
// nodes of the zone image. Made once; look-ups are for any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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
};

class Rules {
  public:
    // services: in the order of the image's table. places: how many instances may be up or on their
    // way. zones outlives the rules.
    Rules(const zone::Zones& zones, std::span<const service::Template> services,
          std::uint32_t places);

    // Whose names are directly below; those with more fixed characters first.
    std::span<const Rule> below(const zone::image::Node& node) const noexcept;
    // Of whose addresses a name is, or is above; null: of nobody's. zone: that the name is in.
    const Rule* reverse_of(const dns::FoldedName& name, std::uint32_t zone) const noexcept;

    Instances& instances() { return instances_; }

  private:
    std::vector<Rule> rules_;    // sorted by parent
    std::vector<Rule> reverse_;  // of addresses that tell their ids
    Instances instances_;
};

}  // namespace summond::answer
