// RDATA in the form that signatures are made of (RFC 4034 §6.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "summond/dns/types.hpp"

namespace summond::zone {

// Names in lower case, of the types that RFC 4034 §6.2 lists but those that RFC 6840 §5.1 takes
// back. Nothing else changes: RDATA here has no compression.
bool has_canonical_form(dns::Type type);  // other than its own
void make_canonical(dns::Type type, std::vector<std::uint8_t>& rdata);

}  // namespace summond::zone
