// Reads what a service has instead of names and addresses where it has an instance for each id:
// names with {id} in them, `ids`, and the prefix of their addresses.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "service.hpp"

namespace summond::config {

// The three values, as far as they are there.
struct PatternValues {
    std::optional<Value> names;
    std::optional<Value> ids;
    std::optional<Value> addresses;
};

// One of its names has {id} in it, or it has `ids`.
bool is_pattern(const PatternValues& values);
// Without a service's name or with one of the three wrong, draft.service.pattern stays null.
void read_pattern(const PatternValues& values, const Paths& paths, const std::string& owner,
                  ServiceDraft& draft);
// What the rest of the service must not be then; fills in its command line as far as all instances
// have the same.
void complete_pattern(ServiceDraft& draft, const std::string& owner, Problems& problems);

// Between patterns and everything else: names in no zone or given twice, addresses within a
// pattern's prefix.
void check_patterns(const std::vector<ServiceDraft>& drafts, const Zones& zones,
                    const std::vector<base::Endpoint>& listen, Problems& problems);

}  // namespace summond::config
