// LibxlBackend: standby copies, from build to wake.

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "libxl_operations.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

// A mark and a name are a dozen xenstore requests and a file, and nobody waits for announcements:
// not while the client waits.
constexpr std::chrono::milliseconds settle_delay{200};

}  // namespace

void LibxlBackend::build_copy(const service::Template& service, unsigned number, Built done) {
    build_numbered(service, number, std::move(done));
}

base::Result<void> LibxlBackend::rest(vm::DomId domid, const service::Template& service,
                                      const std::string& mark) {
    readiness_->forget(domid);
    for (const Vif& vif : own_vifs(domid, service.interfaces))
        if (const auto r = vifs_->rest(vif); !r)
            return r;
    return store_->write(domain_path(domid) + "/" + standby_mark, mark);
}

base::Result<void> LibxlBackend::join(vm::DomId domid, const service::Template& service) {
    return vifs_->join(own_vifs(domid, service.interfaces));
}

// A later process knows a marked copy that runs for one that has been woken.
void LibxlBackend::woken(vm::DomId domid, const service::Template& service) {
    auto later = std::make_shared<boost::asio::steady_timer>(events_.io(), settle_delay);
    later->async_wait([this, later, domid, service](const auto& ec) {
        if (!ec && death_watches_.contains(domid))
            settle(domid, service);
    });
}

void LibxlBackend::settle(vm::DomId domid, const service::Template& service) {
    if (!service.interfaces.empty())
        announcer_.announce(service.interfaces.front().bridge, host::announcements(service));
    if (const auto r = store_->remove(domain_path(domid) + "/" + standby_mark); !r)
        spdlog::warn("domid {} is still marked as a standby copy: {}", domid, r.error().what);
    rename(domid, service.name);
}

void LibxlBackend::rename(vm::DomId domid, const std::string& name) {
    if (const int rc = libxl_domain_rename(ctx_, domid, nullptr, name.c_str()); rc != 0)
        spdlog::warn("domid {} is not called {} in xl list: {}", domid, name,
                     explain("rename", log_.last(), rc));
}

}  // namespace summond::xen
