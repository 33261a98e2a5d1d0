// Reads a service's network interfaces and disks.
#pragma once

#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "service.hpp"

namespace summond::config {

// interfaces, or bridge, mac and script, which are the short form of one.
void read_interfaces(Mapping& mapping, ServiceDraft& draft, Whose whose);
// The interfaces into the service, with the MACs and addresses that follow from the rest of it.
// A list of them, not empty.
void read_interface_list(const Value& list, ServiceDraft& draft, Whose whose);
void complete_interfaces(ServiceDraft& draft);

// A hotplug script: a path, or a name that libxl looks up in Xen's own directory of scripts.
std::string read_script(const Value& value);

// p9 in xl.cfg(5).
void read_shares(const Value& value, const Paths& paths, std::vector<service::Share>& shares);
void read_disks(const Value& value, const Paths& paths, ServiceDraft& draft);

}  // namespace summond::config
