// Requests to suspend that a save has left behind: withdrawn, and what guests may still make of
// them.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/vm/hypervisor.hpp"
#include "xenstore.hpp"

namespace summond::xen {

class SuspendRequests {
  public:
    // Of a save that has failed, by this process or by one before it. A guest that has not yet seen
    // the request does not obey any more. One that has may still: its mark says until when, to the
    // process after this one, too. That of a suspended domain stands until it has been resumed.
    void withdraw(XenStore& xenstore, vm::DomId domid, bool is_suspended);
    // What the mark says: that summond has asked the domain to suspend itself.
    static bool stands(const std::optional<std::string>& mark, base::TimePoint now);
    // The domain may yet suspend itself because of such a request.
    bool may_obey(vm::DomId domid) const;
    void forget(vm::DomId domid) { withdrawn_.erase(domid); }

  private:
    std::map<vm::DomId, base::TimePoint> withdrawn_;  // and obeyed until then
};

}  // namespace summond::xen
