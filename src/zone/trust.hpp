// DS records of a zone beside the keys of the zone below, where both are served here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "report.hpp"
#include "zone_data.hpp"

namespace summond::zone {

class Trust {
  public:
    // The DNSKEY records at the zone's apex.
    void add_keys(const ZoneData& zone);
    // The DS records that the zone has for the one below it.
    void add_ds(const ZoneData& zone, const dns::Name& below);
    // Warns of zones that resolvers which validate refuse: a DS record that names none of the keys.
    void check(Report& report) const;

  private:
    using Rdata = std::vector<std::uint8_t>;
    struct Delegation {
        dns::Name below;
        Where where;
        std::vector<Rdata> ds;
    };
    std::map<dns::Name, std::vector<Rdata>> keys_;  // by the zone's name; of those that are loaded
    std::vector<Delegation> delegations_;
};

}  // namespace summond::zone
