// Requests to suspend that a save has left behind: withdrawn, and what guests may still make of
// them.
#pragma once

#include <chrono>
#include <map>

#include "summond/vm/hypervisor.hpp"
#include "xenstore.hpp"

namespace summond::xen {

class SuspendRequests {
  public:
    // Of a save that has failed, by this process or by one before it. A guest that has not yet seen
    // the request does not obey any more. One that has may still.
    void withdraw(XenStore& xenstore, vm::DomId domid);
    // The domain may yet suspend itself because of such a request.
    bool may_obey(vm::DomId domid) const;
    void forget(vm::DomId domid) { withdrawn_.erase(domid); }

  private:
    std::map<vm::DomId, std::chrono::steady_clock::time_point> withdrawn_;  // and obeyed until then
};

}  // namespace summond::xen
