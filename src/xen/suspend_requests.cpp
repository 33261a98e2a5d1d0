#include "suspend_requests.hpp"

#include <charconv>

#include "identity.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

// libxl waits as long for a guest to acknowledge that it is to suspend, and again for it to do so.
constexpr std::chrono::seconds guest_suspends_within{60};

}  // namespace

void SuspendRequests::withdraw(XenStore& xenstore, vm::DomId domid, bool is_suspended) {
    const auto until = std::chrono::steady_clock::now() + guest_suspends_within;
    const std::string request = domain_path(domid) + "/control/shutdown";
    const std::string mark = domain_path(domid) + "/" + saving_mark;
    const auto withdrawn = xenstore.transact("withdraw a request", [&](auto& transaction) {
        return (transaction.read(request) != "suspend" || transaction.write({request, ""})) &&
               (is_suspended ||
                transaction.write({mark, std::to_string(until.time_since_epoch().count())}));
    });
    if (!withdrawn)
        spdlog::warn("domid {}: {}", domid, withdrawn.error().what);
    withdrawn_[domid] = until;
}

bool SuspendRequests::stands(const std::optional<std::string>& mark, base::TimePoint now) {
    if (!mark || *mark == saving_now)
        return mark.has_value();
    // Of CLOCK_MONOTONIC: no domain is older than dom0.
    base::Duration::rep until = 0;
    const auto [end, error] = std::from_chars(mark->data(), mark->data() + mark->size(), until);
    return error == std::errc() && now < base::TimePoint(base::Duration(until));
}

bool SuspendRequests::may_obey(vm::DomId domid) const {
    const auto it = withdrawn_.find(domid);
    return it != withdrawn_.end() && std::chrono::steady_clock::now() < it->second;
}

}  // namespace summond::xen
