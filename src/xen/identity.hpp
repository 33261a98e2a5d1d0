// How a domain says that it is ours: its UUID, there from the hypercall that creates it, and its
// mark in xenstore. Both are out of the guest's reach.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "summond/config/config.hpp"
#include "summond/vm/backend.hpp"

namespace summond::xen {

// RFC 9562 version 8: "summon" (6 octets), then the service id around the version and variant
// bits. The same for a service on every host and at every start.
std::array<std::uint8_t, 16> domain_uuid(config::ServiceId service);
// The service of a domain of ours; none for any other UUID.
std::optional<config::ServiceId> service_of(std::span<const std::uint8_t, 16> uuid);

// Below /local/domain/<domid>, which the guest can read and not write (only data/ and its device
// directories are its own).
inline constexpr char service_mark[] = "summond/service";    // the service's name, from the start
inline constexpr char complete_mark[] = "summond/complete";  // "1" once the domain is built whole
// "1" in a domain that has been restored, whose guest says nothing of what it has said before.
inline constexpr char restored_mark[] = "summond/restored";
std::string domain_path(vm::DomId domid);

}  // namespace summond::xen
