// A standby domain, from its rest to its wake. (It is built by create.)
//
//  rest    nobody is told of its guest being ready; its vifs become ports that are sent nothing;
//          the mark of what it is. What fails is destroyed by whoever has asked. Of a shell, libxl
//          keeps nothing from here on.
//  (A shell becomes a service's domain before it runs: libxl_shell.cpp.)
//  join    it runs since a moment ago and a client waits: one netlink request for each vif.
//  woken   when nobody waits any more: announcements, the mark goes, it gets its service's name.
//          A later process does the same for a marked domain that runs.
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/base/log.hpp"
#include "summond/service/shell.hpp"

namespace summond::xen {
namespace {

// A mark and a name are a dozen xenstore requests and a file, of a shell three dozen, and nobody
// waits for announcements: not while the client waits, or others wait for their guests, unless that
// takes too long. One at a time, so that everything else has its turn between two.
constexpr std::chrono::milliseconds finish_delay{200};
constexpr std::chrono::seconds latest_finish{10};

void finish_wake(Toolstack& toolstack, vm::DomId domid, const service::Instance& service) {
    if (!service->interfaces.empty())
        toolstack.announcer.announce(service->interfaces.front().bridge,
                                     host::announcements(service));
    settle(toolstack, domid, service);
    if (const auto r = toolstack.xenstore->remove(domain_path(domid) + "/" + standby_mark); !r)
        spdlog::warn("domid {} is still marked as a standby copy: {}", domid, r.error().what);
    rename(toolstack, domid, service.name());
}

void finish_later(Toolstack& toolstack, vm::DomId domid, const service::Instance& service,
                  std::chrono::steady_clock::time_point latest) {
    auto later = std::make_shared<boost::asio::steady_timer>(toolstack.io(), finish_delay);
    later->async_wait([&toolstack, later, domid, service, latest](const auto& ec) {
        if (ec || !toolstack.deaths.has(domid))
            return;
        const auto now = std::chrono::steady_clock::now();
        if ((toolstack.readiness->waits() && now < latest) ||
            now < toolstack.finished_at + finish_delay) {
            finish_later(toolstack, domid, service, latest);
            return;
        }
        finish_wake(toolstack, domid, service);
        toolstack.finished_at = std::chrono::steady_clock::now();
    });
}

}  // namespace

base::Result<void> rest(Toolstack& toolstack, vm::DomId domid, const service::Instance& service,
                        const std::string& mark) {
    toolstack.readiness->forget(domid);
    for (const Vif& vif : own_vifs(domid, service))
        if (const auto r = toolstack.vifs->rest(vif); !r)
            return r;
    // What libxl keeps of a domain has the UUID in its name, and a shell's will be another.
    if (service::is_shell(service))
        libxl_userdata_unlink(toolstack.ctx, domid, libxl_record);
    return toolstack.xenstore->write(domain_path(domid) + "/" + standby_mark, mark);
}

base::Result<void> join(Toolstack& toolstack, vm::DomId domid, const service::Instance& service) {
    return toolstack.vifs->join(own_vifs(domid, service));
}

void woken(Toolstack& toolstack, vm::DomId domid, const service::Instance& service) {
    finish_later(toolstack, domid, service, std::chrono::steady_clock::now() + latest_finish);
}

}  // namespace summond::xen
