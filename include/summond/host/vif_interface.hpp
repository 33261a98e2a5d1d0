// The network interfaces of domains in dom0, which netback makes.
#pragma once

#include <optional>
#include <string>

#include "summond/vm/hypervisor.hpp"

namespace summond::host {

// How netback names that of the index-th vif of a domain.
std::string vif_name(vm::DomId domid, unsigned index);

// The same as it is now: it may have been given another name since. None: there is none. Takes no
// lock of the kernel's.
struct VifInterface {
    int index = 0;
    std::string name;
};
std::optional<VifInterface> vif_interface(vm::DomId domid, unsigned index);

}  // namespace summond::host
