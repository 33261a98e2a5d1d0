// How a domain says that it is ours: its UUID, there from the hypercall that creates it, and its
// mark in xenstore. Both are out of the guest's reach.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "summond/service/template.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

// RFC 9562 version 8: "summon" (6 octets), then number and service id around the version and
// variant bits. number: 0, the same for a service on every host and at every start, or 1 to 1023
// for a standby copy, which keeps it when it is woken.
std::array<std::uint8_t, 16> domain_uuid(service::Id service, unsigned number = 0);
// Whose a domain of ours is; none for any other UUID.
struct Identity {
    service::Id service = 0;
    unsigned number = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
};
std::optional<Identity> identity_of(std::span<const std::uint8_t, 16> uuid);

// Below /local/domain/<domid>, which the guest can read and not write (only data/ and its device
// directories are its own).
inline constexpr char service_mark[] = "summond/service";    // the service's name, from the start
inline constexpr char complete_mark[] = "summond/complete";  // "1" once the domain is built whole
// "1" in a domain that has been restored, whose guest says nothing of what it has said before.
inline constexpr char restored_mark[] = "summond/restored";
// In a domain that summond has asked to suspend itself: saving_now until it runs again. Where the
// request has been withdrawn, how long the guest may obey it yet (SuspendRequests).
inline constexpr char saving_mark[] = "summond/saving";
inline constexpr char saving_now[] = "1";
// Only in a standby copy that nobody has woken: standby_new, then what vm::StandbyPorts::rest is
// told. standby_taken: a shell that is being made a service's domain, or has just been.
inline constexpr char standby_mark[] = "summond/standby";
inline constexpr char standby_new[] = "new";
inline constexpr char standby_taken[] = "taken";
// Where rumprun looks for its configuration.
inline constexpr char rumprun_node[] = "rumprun/cfg";
std::string domain_path(vm::DomId domid);

}  // namespace summond::xen
