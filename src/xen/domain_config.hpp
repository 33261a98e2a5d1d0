// From a service of the configuration to what libxl builds.
#pragma once

#include <memory>

#include "libxl.hpp"
#include "summond/config/config.hpp"

namespace summond::xen {

// Defaults are xl.cfg(5)'s. The domain carries the service's name, UUID and mark. Of its network
// interfaces only those with a script are libxl's business (the others: vifs.hpp).
std::unique_ptr<DomainConfig> domain_config(libxl_ctx* ctx, const config::Service& service);

}  // namespace summond::xen
