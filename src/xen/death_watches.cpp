#include "death_watches.hpp"

namespace summond::xen {

base::Result<void> DeathWatches::watch(vm::DomId domid) {
    unwatch(domid);
    libxl_evgen_domain_death* watch = nullptr;
    if (const int rc = libxl_evenable_domain_death(ctx_, domid, 0, &watch); rc != 0)
        return base::error(explain("cannot watch the domain", log_->last(), rc));
    watches_[domid] = watch;
    return {};
}

void DeathWatches::unwatch(vm::DomId domid) {
    const auto it = watches_.find(domid);
    if (it == watches_.end())
        return;
    libxl_evdisable_domain_death(ctx_, it->second);
    watches_.erase(it);
}

void DeathWatches::clear() {
    for (const auto& [domid, watch] : watches_)
        libxl_evdisable_domain_death(ctx_, watch);
    watches_.clear();
}

}  // namespace summond::xen
