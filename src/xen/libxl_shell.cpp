// A shell, which is built, paused, has never run and rests, becomes a service's domain.
//
//  step                                                if vmm is killed after it, the next one
//  1  one transaction in xenstore: it is marked as     destroys it: it is paused, and its mark is
//     taken; its service's name, MACs, rumprun/cfg     that of no copy
//  2  the command line, in its memory                  likewise
//  3  the service's UUID                               likewise
//  -  whoever has asked unpauses it                    finds the service's domain: it runs, and is
//                                                      marked, as any copy that was woken
//  4  when nobody waits (settle): its directory        does it again
//     below /vm, and what libxl keeps of it
//
// What fails is destroyed by whoever has asked. Nothing of it forks. For a guest with one interface
// xenstored gets eight requests, or nine.
#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "domain_config.hpp"
#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/base/log.hpp"
#include "summond/service/shell.hpp"

namespace summond::xen {
namespace {

base::Result<void> write_nodes(Toolstack& toolstack, vm::DomId domid,
                               const service::Instance& service) {
    const std::string path = domain_path(domid) + "/";
    std::vector<Node> nodes{{path + standby_mark, standby_taken},
                            {path + service_mark, service.name()}};
    for (const Vif& vif : own_vifs(domid, service))
        std::ranges::move(mac_nodes(vif), std::back_inserter(nodes));
    if (!service->rumprun.empty())
        nodes.push_back({path + rumprun_node, service->rumprun});
    return toolstack.xenstore->transact(
        fmt::format("domain {} as {}", domid, service.name()), [&](auto& transaction) {
            // Nothing is to come back of a domain that somebody has just destroyed.
            return transaction.read(path + standby_mark) &&
                   std::ranges::all_of(nodes,
                                       [&](const Node& node) { return transaction.write(node); });
        });
}

std::string text_of(const std::array<std::uint8_t, 16>& uuid) {
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); ++i)
        text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    return text;
}

// The directory has the domain's UUID in its path. What libxl writes there at the end of a build
// (libxl_dom.c); and its name, with the domain's.
base::Result<void> move_directory(XenStore& xenstore, vm::DomId domid, const std::string& uuid) {
    const std::string link = domain_path(domid) + "/vm";
    const std::string path = "/vm/" + uuid;
    timeval now{};
    ::gettimeofday(&now, nullptr);
    const std::vector<Node> nodes{
        {path, "", {{0, XS_PERM_NONE}, {domid, XS_PERM_READ}}},
        {path + "/uuid", uuid},
        {path + "/start_time", fmt::format("{}.{:02}", now.tv_sec, now.tv_usec / 10'000)},
        {link, path}};
    return xenstore.transact("move to " + path, [&](auto& transaction) {
        const auto before = transaction.read(link);
        if (!before || *before == path)
            return before.has_value();
        return transaction.remove(*before) && std::ranges::all_of(nodes, [&](const Node& node) {
                   return transaction.write(node);
               });
    });
}

void store_record(Toolstack& toolstack, vm::DomId domid, const service::Instance& service) {
    const auto config = domain_config(toolstack.ctx, service);
    char* const text = libxl_domain_config_to_json(toolstack.ctx, &config->config);
    const int rc = text == nullptr
                       ? ERROR_NOMEM
                       : libxl_userdata_store(toolstack.ctx, domid, libxl_record,
                                              reinterpret_cast<const std::uint8_t*>(text),
                                              static_cast<int>(std::string_view(text).size() + 1));
    std::free(text);
    if (rc != 0)
        spdlog::warn("domid {}: libxl does not keep how it was made: {}", domid,
                     explain("record", toolstack.log.last(), rc));
}

}  // namespace

base::Result<void> become(Toolstack& toolstack, vm::DomId domid, const service::Instance& service) {
    // What has run is of no use any more.
    if (run_of(toolstack, domid) != vm::Found::Run::paused)
        return base::error("somebody else has unpaused or destroyed it");
    auto r = write_nodes(toolstack, domid, service);
    if (r && service::takes_cmdline(*service))
        r = toolstack.control.set_cmdline(domid, service->cmdline, service::max_pvh_cmdline);
    if (r)
        r = toolstack.control.set_uuid(domid, domain_uuid(service.id()));
    return r;
}

void settle(Toolstack& toolstack, vm::DomId domid, const service::Instance& service) {
    XenStore& xenstore = *toolstack.xenstore;
    if (xenstore.read(domain_path(domid) + "/" + standby_mark) != standby_taken)
        return;
    if (const auto r = move_directory(xenstore, domid, text_of(domain_uuid(service.id()))); !r)
        spdlog::warn("domid {}: {}", domid, r.error().what);
    store_record(toolstack, domid, service);
}

}  // namespace summond::xen
