// Kernels that the configured type of guest cannot boot: config warns of them, and a build that
// failed says so.
#pragma once

#include <string>

#include "summond/service/host.hpp"
#include "summond/service/template.hpp"

namespace summond::service {

// Why a guest of this type cannot be booted from the kernel, where the file tells. Empty: it can,
// or nobody knows (a bzImage, no such file).
std::string kernel_fault(const std::string& kernel, DomainType type, bool pvshim,
                         Host host = this_host());

}  // namespace summond::service
