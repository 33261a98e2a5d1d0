// libxl's watches for the deaths of domains, one a domain.
#pragma once

#include <map>

#include "libxl.hpp"
#include "log.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

class DeathWatches {
  public:
    // log: ctx's. Both outlive this, unless clear() comes first.
    void open(libxl_ctx* ctx, const XenLog& log) {
        ctx_ = ctx;
        log_ = &log;
    }
    // Anew, if it is watched already: libxl reports one shutdown of a domain to a watch and no
    // more.
    base::Result<void> watch(vm::DomId domid);
    void unwatch(vm::DomId domid);
    bool has(vm::DomId domid) const { return watches_.contains(domid); }
    void clear();

  private:
    libxl_ctx* ctx_ = nullptr;
    const XenLog* log_ = nullptr;
    std::map<vm::DomId, libxl_evgen_domain_death*> watches_;
};

}  // namespace summond::xen
