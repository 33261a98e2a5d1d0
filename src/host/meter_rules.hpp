// The rules by which nftables counts the packets that keep a domain, as text: those that could wake
// it, and answers to what the guest itself has begun. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "summond/service/template.hpp"

namespace summond::host {

// The ports that probes of guests' ports come from (vif_probe.hpp): above those that dom0's own
// connections have (ip_local_port_range).
inline constexpr std::uint16_t first_probe_port = 65000;
inline constexpr std::uint16_t last_probe_port = 65063;

// What a table has before its rules: sets of what guests have begun, of who has spoken to them
// first, and of their open connections; and the chains that need nothing but these. Each set is
// bounded; what does not fit is not remembered, so its packets do not count.
std::string meter_sets();

// Of packets to a service: the body of a chain that jumps to `hit` what keeps it.
std::string meter_policy(const service::Template& service);

}  // namespace summond::host
