#include "vif_nodes.hpp"

#include <fmt/format.h>

#include <set>

#include "identity.hpp"

namespace summond::xen {
namespace {

// What a frontend takes it for that is told nothing (xen/io/netif.h, MTU).
constexpr std::uint32_t usual_mtu = 1500;

std::vector<xs_permissions> frontend_permissions(vm::DomId domid) {
    return {{domid, XS_PERM_NONE}, {0, XS_PERM_READ}};
}

void add(std::vector<Node>& nodes, const std::string& directory, std::vector<Node> below) {
    for (Node& node : below) {
        node.path = directory + "/" + node.path;
        nodes.push_back(std::move(node));
    }
}

}  // namespace

std::vector<Vif> own_vifs(vm::DomId domid, const service::Instance& service) {
    const auto& interfaces = service->interfaces;
    std::vector<Vif> vifs;
    for (unsigned i = 0; i < interfaces.size(); ++i)
        if (interfaces[i].script.empty())
            vifs.push_back({domid, i, service.mac(i), interfaces[i].bridge, interfaces[i].vifname,
                            interfaces[i].mtu, interfaces[i].rate, interfaces[i].interval,
                            interfaces[i].trusted});
    return vifs;
}

VifPaths::VifPaths(vm::DomId domid, unsigned index)
    : backend(fmt::format("{}/backend/vif/{}/{}", domain_path(0), domid, index)),
      frontend(fmt::format("{}/device/vif/{}", domain_path(domid), index)),
      libxl(fmt::format("/libxl/{}/device/vif/{}", domid, index)) {}

std::vector<xs_permissions> backend_permissions(vm::DomId domid) {
    return {{0, XS_PERM_NONE}, {domid, XS_PERM_READ}};
}

std::vector<Node> vif_nodes(const Vif& vif, std::uint32_t mtu) {
    const auto domid = vif.domid;
    const VifPaths paths(domid, vif.index);
    const std::string address = service::to_string(vif.mac);
    const std::string guest = std::to_string(domid);
    const std::string handle = std::to_string(vif.index);
    const auto ours = backend_permissions(domid);
    const auto the_guests = frontend_permissions(domid);

    // What both libxl's directory and the backend's hold.
    const std::vector<Node> device{
        {"frontend", paths.frontend}, {"frontend-id", guest}, {"handle", handle}, {"mac", address},
        {"bridge", vif.bridge},       {"script", vif_script}, {"type", "vif"}};
    std::vector<Node> nodes;
    add(nodes, paths.libxl, {{"backend", paths.backend}});
    add(nodes, paths.libxl, device);

    nodes.push_back({paths.frontend, "", the_guests});
    add(nodes, paths.frontend,
        {{"backend", paths.backend},
         {"backend-id", "0"},
         {"state", initialising},
         {"handle", handle},
         {"mac", address},
         {"trusted", vif.trusted ? "1" : "0"}});
    if (mtu != usual_mtu)
        nodes.push_back({paths.frontend + "/mtu", std::to_string(mtu), ours});

    nodes.push_back({paths.backend, "", ours});
    add(nodes, paths.backend, device);
    // What only some have, as libxl writes it (libxl_nic.c).
    if (!vif.name.empty())
        add(nodes, paths.backend, {{"vifname", vif.name}});
    if (vif.rate != 0)
        add(nodes, paths.backend, {{"rate", fmt::format("{},{}", vif.rate, vif.interval)}});
    if (vif.mtu != 0)
        add(nodes, paths.backend, {{"mtu", std::to_string(vif.mtu)}});
    // connected: netback need not wait for anybody, since the domain runs only once its vif is on
    // the bridge.
    add(nodes, paths.backend,
        {{"online", "1"}, {"state", initialising}, {"hotplug-status", "connected"}});
    return nodes;
}

std::vector<Node> spare_nodes(vm::DomId domid) {
    const VifPaths paths(domid, 0);
    std::vector<Node> nodes{{paths.frontend, "", frontend_permissions(domid)}};
    add(nodes, paths.frontend, {{"state", initialising}});
    nodes.push_back({paths.backend, "", backend_permissions(domid)});
    add(nodes, paths.backend,
        {{"frontend", paths.frontend},
         {"frontend-id", std::to_string(domid)},
         {"handle", "0"},
         {"script", vif_script},
         {"type", "vif"},
         {"online", "1"},
         {"state", initialising},
         {"hotplug-status", "connected"}});
    return nodes;
}

std::vector<Node> claimed_nodes(const Vif& vif, std::uint32_t mtu) {
    const VifPaths paths(vif.domid, 0);
    std::set<std::string> there;
    for (const Node& node : spare_nodes(vif.domid))
        if (node.path.starts_with(paths.backend))
            there.insert(node.path);
    auto nodes = vif_nodes(vif, mtu);
    std::erase_if(nodes, [&](const Node& node) { return there.contains(node.path); });
    // libxl has made these two, readable for the guest only.
    for (Node& node : nodes) {
        if (node.path == paths.frontend)
            node.there = true;
        if (node.path == paths.frontend + "/state") {
            node.there = true;
            node.permissions = frontend_permissions(vif.domid);
        }
    }
    return nodes;
}

std::vector<Node> mac_nodes(const Vif& vif) {
    const VifPaths paths(vif.domid, vif.index);
    std::vector<Node> nodes;
    for (const std::string* directory : {&paths.libxl, &paths.frontend, &paths.backend})
        nodes.push_back({*directory + "/mac", service::to_string(vif.mac)});
    return nodes;
}

std::string netback_errors_path(vm::DomId domid) {
    return fmt::format("{}/error/backend/vif/{}", domain_path(0), domid);
}

std::vector<ScriptedVif> scripted_vifs(const XenStore& xenstore, vm::DomId domid) {
    std::vector<ScriptedVif> vifs;
    const auto backends = fmt::format("{}/backend/vif/{}", domain_path(0), domid);
    for (const std::string& index : xenstore.list(backends)) {
        const std::string backend = fmt::format("{}/{}", backends, index);
        const auto script = xenstore.read(backend + "/script");
        const auto mac = xenstore.read(backend + "/mac");
        if (script && *script != vif_script && mac)
            vifs.push_back({xenstore.read(backend + "/vifname")
                                .value_or(fmt::format("vif{}.{}", domid, index)),
                            *mac});
    }
    return vifs;
}

}  // namespace summond::xen
