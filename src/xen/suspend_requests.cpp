#include "suspend_requests.hpp"

#include "identity.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

// libxl waits as long for a guest to acknowledge that it is to suspend, and again for it to do so.
constexpr std::chrono::seconds guest_suspends_within{60};

}  // namespace

void SuspendRequests::withdraw(XenStore& xenstore, vm::DomId domid) {
    const std::string request = domain_path(domid) + "/control/shutdown";
    const auto withdrawn = xenstore.transact("withdraw a request", [&](auto& transaction) {
        return (transaction.read(request) != "suspend" || transaction.write({request, ""})) &&
               transaction.remove(domain_path(domid) + "/" + saving_mark);
    });
    if (!withdrawn)
        spdlog::warn("domid {}: {}", domid, withdrawn.error().what);
    withdrawn_[domid] = std::chrono::steady_clock::now() + guest_suspends_within;
}

bool SuspendRequests::may_obey(vm::DomId domid) const {
    const auto it = withdrawn_.find(domid);
    return it != withdrawn_.end() && std::chrono::steady_clock::now() < it->second;
}

}  // namespace summond::xen
