// From a service of the configuration to what libxl builds.
#pragma once

#include <memory>

#include "libxl.hpp"
#include "summond/service/instance.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

// Defaults are xl.cfg(5)'s. The domain carries the service's name, UUID and mark. Of its network
// interfaces only those with a script are libxl's business (the others: vifs.hpp).
// number: of a standby copy, whose name is not yet the service's; 0 for the service's own domain.
std::unique_ptr<DomainConfig> domain_config(libxl_ctx* ctx, const service::Instance& service,
                                            unsigned number = 0);

// The domid that a domain is to have, whose first vif is begun (Vifs::begin).
void choose_domid(libxl_domain_config& config, vm::DomId domid);

}  // namespace summond::xen
