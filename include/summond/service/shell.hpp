// Shells: domains that are built before anybody asks, have never run, and are no service's yet.
// Services whose domains are alike but for what can be written into a built one share them: a wake
// of any of these takes one (docs/design/standby.md#shells).
#pragma once

#include <optional>
#include <string>

#include "summond/service/host.hpp"
#include "summond/service/instance.hpp"

namespace summond::service {

// What goes on after "service www": why its domain cannot be had of a shell, and what would be
// right. Empty: it can. Of a service with ids: of any of its instances.
std::string why_no_shell(const Template& service, Host host);
// Whether the command line is written when a shell is taken. If not, only those share shells that
// have the same.
bool takes_cmdline(const Template& service);

// The shells that the service's wakes may take, as a service that nobody asks for, whose `built`
// standby copies they are: the same for two services (by id and name) if their domains are alike.
// None: it wants no shells. That it can have some is module config's business.
std::optional<Instance> shell_of(const Instance& service);
// Whether it is such a one.
bool is_shell(const Instance& service);

}  // namespace summond::service
