// The network interfaces of domains in dom0, as netback makes them.
#pragma once

#include <string>

#include "summond/vm/hypervisor.hpp"

namespace summond::host {

// Of the index-th vif of a domain, as netback names it.
std::string vif_name(vm::DomId domid, unsigned index);
// And as it is called now: netback's name, or another that it was given since.
std::string present_vif_name(vm::DomId domid, unsigned index);

}  // namespace summond::host
