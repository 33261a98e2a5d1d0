#include "vifs.hpp"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "identity.hpp"
#include "summond/base/log.hpp"
#include "summond/host/vif_interface.hpp"
#include "vif_operations.hpp"

namespace summond::xen {
namespace {

// libxl's patience with a hotplug script (LIBXL_HOTPLUG_TIMEOUT).
constexpr std::chrono::seconds longest_connect{40};
constexpr int domid_attempts = 16;

std::string netback_error(const XenStore& xenstore, vm::DomId domid, unsigned index) {
    const auto error = xenstore.read(fmt::format("{}/{}/error", netback_errors_path(domid), index));
    return error ? ": " + *error : "";
}

// A permission given to a domain that is not there yet counts for nothing in C xenstored (XSA-322);
// in oxenstored, Debian's default, it does. What was written for a spare is then permitted again.
bool permit_again(XenStore::Transaction& transaction, vm::DomId domid) {
    const std::string backend = VifPaths(domid, 0).backend;
    const auto wanted = backend_permissions(domid);
    const auto same = [](const xs_permissions& a, const xs_permissions& b) {
        return a.id == b.id && a.perms == b.perms;
    };
    if (std::ranges::equal(transaction.permissions(backend + "/state"), wanted, same))
        return true;
    const auto names = transaction.list(backend);
    return names && std::ranges::all_of(*names, [&](const std::string& name) {
               return transaction.permit(backend + "/" + name, wanted);
           });
}

}  // namespace

base::Result<std::unique_ptr<Vifs>> Vifs::open(boost::asio::io_context& io, XenStore& xenstore) {
    auto links = host::Links::open(io);
    if (!links)
        return tl::make_unexpected(links.error());
    return std::unique_ptr<Vifs>(new Vifs(io, xenstore, std::move(*links)));
}

Vifs::Vifs(boost::asio::io_context& io, XenStore& xenstore, std::unique_ptr<host::Links> links)
    : io_(io), xenstore_(xenstore), links_(std::move(links)) {}

Vifs::~Vifs() {
    for (const vm::DomId domid : spares_)
        if (const auto r = clear(domid); !r)
            spdlog::warn("{}", r.error().what);
}

base::Result<void> Vifs::check(const std::string& bridge) {
    const auto link = links_->find(bridge);
    if (!link)
        return tl::make_unexpected(link.error());
    if (!*link)
        return base::error("there is no bridge " + bridge);
    return {};
}

std::optional<vm::DomId> Vifs::begin_spare() {
    for (int attempt = 0; attempt < domid_attempts; ++attempt) {
        const vm::DomId domid = domids_.next();
        bool taken = false;
        const auto written =
            xenstore_.transact("a vif for domain " + std::to_string(domid), [&](auto& transaction) {
                taken = transaction.read(domain_path(domid)) ||
                        transaction.list(fmt::format("{}/backend/vif/{}", domain_path(0), domid));
                return taken || std::ranges::all_of(spare_nodes(domid), [&](const Node& node) {
                           return transaction.write(node);
                       });
            });
        if (!written) {
            spdlog::warn("{}", written.error().what);
            return std::nullopt;
        }
        if (taken)
            continue;
        auto& slot = connecting_[domid];
        slot = std::make_unique<Connecting>(Connecting{
            domid, {{0, host::vif_name(domid, 0)}}, nullptr, boost::asio::steady_timer(io_)});
        watch(*slot, slot->ports.front());
        return domid;
    }
    return std::nullopt;
}

std::optional<vm::DomId> Vifs::begin() {
    const auto made = std::ranges::find_if(
        spares_, [this](vm::DomId domid) { return connecting_[domid]->ports.front().made(); });
    const auto spare = made != spares_.end() ? made : spares_.begin();
    if (spare == spares_.end())
        return begin_spare();
    const vm::DomId domid = *spare;
    spares_.erase(spare);
    return domid;
}

bool Vifs::add_spare(std::size_t wanted) {
    if (spares_.size() >= wanted)
        return false;
    const auto spare = begin_spare();
    if (spare)
        spares_.insert(*spare);
    return spare.has_value();
}

// Of a domain with a vif that is begun, what that lacks.
base::Result<void> Vifs::write(const std::vector<Vif>& vifs, const std::vector<host::Link>& bridges,
                               bool begun) {
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < vifs.size(); ++i)
        std::ranges::copy(begun && vifs[i].index == 0 ? claimed_nodes(vifs[i], bridges[i].mtu)
                                                      : vif_nodes(vifs[i], bridges[i].mtu),
                          std::back_inserter(nodes));
    const vm::DomId domid = vifs.front().domid;
    return xenstore_.transact(
        "the vifs of domain " + std::to_string(domid), [&](auto& transaction) {
            // Nothing is to come back of a domain that somebody has just destroyed.
            if (!transaction.read(domain_path(domid) + "/" + service_mark))
                return false;
            return std::ranges::all_of(nodes,
                                       [&](const Node& node) { return transaction.write(node); }) &&
                   (!begun || permit_again(transaction, domid));
        });
}

// Found without a question over netlink. The MTU has been set already.
Vifs::Ends Vifs::ends_of(const Vif& vif) {
    const auto port = host::vif_interface(vif.domid, vif.index)
                          .value_or(host::VifInterface{0, host::vif_name(vif.domid, vif.index)});
    return {{.index = port.index, .name = port.name},
            {.index = static_cast<int>(::if_nametoindex(vif.bridge.c_str())), .name = vif.bridge}};
}

base::Result<void> Vifs::rest(const Vif& vif) {
    const auto [port, bridge] = ends_of(vif);
    if (port.index == 0 || bridge.index == 0)
        return base::error("there is no " +
                           (bridge.index == 0 ? "bridge " + bridge.name : port.name));
    auto r = links_->join(port, bridge);
    if (r)
        r = links_->open_port(port.index, false);
    if (r)
        resting_[vif.domid].push_back(port.index);
    return r;
}

base::Result<void> Vifs::join(const std::vector<Vif>& vifs) {
    if (vifs.empty())
        return {};
    auto ports = resting_.extract(vifs.front().domid);
    if (ports.empty()) {
        for (const Vif& vif : vifs)
            if (const auto r = rest(vif); !r)
                return r;
        ports = resting_.extract(vifs.front().domid);
    }
    for (const int port : ports.mapped())
        if (const auto r = links_->open_port(port, true); !r)
            return r;
    return {};
}

void Vifs::connect(const std::vector<Vif>& vifs, bool off_bridge, Done done) {
    const vm::DomId domid = vifs.front().domid;
    const auto fail = [this, &done](const base::Error& error) {
        boost::asio::post(io_,
                          [done = std::move(done), error] { done(tl::make_unexpected(error)); });
    };
    std::vector<host::Link> bridges;
    for (const Vif& vif : vifs) {
        const auto bridge = links_->find(vif.bridge);
        if (!bridge)
            return fail(bridge.error());
        if (!*bridge)
            return fail({"there is no bridge " + vif.bridge});
        bridges.push_back(**bridge);
        if (vif.mtu != 0)
            bridges.back().mtu = vif.mtu;
    }
    auto& slot = connecting_[domid];
    const bool begun = slot != nullptr;
    if (const auto written = write(vifs, bridges, begun); !written) {
        if (!begun)
            connecting_.erase(domid);
        return fail(written.error());
    }
    if (!begun)
        slot = std::make_unique<Connecting>(
            Connecting{domid, {}, nullptr, boost::asio::steady_timer(io_)});
    slot->off_bridge = off_bridge;
    slot->done = std::move(done);
    slot->timeout.expires_after(longest_connect);
    slot->timeout.async_wait([this, domid](const auto& ec) {
        const auto it = connecting_.find(domid);
        if (ec || it == connecting_.end())
            return;
        const auto late =
            std::ranges::find_if(it->second->ports, [](const Port& port) { return !port.joined; });
        end(*it->second, base::error(fmt::format("netback made no {} in {} s{}", late->name,
                                                 longest_connect.count(),
                                                 netback_error(xenstore_, domid, late->index))));
    });
    for (std::size_t i = begun ? 1 : 0; i < vifs.size(); ++i) {
        slot->ports.push_back(
            {vifs[i].index, host::vif_name(domid, vifs[i].index), vifs[i].name, bridges[i]});
        watch(*slot, slot->ports.back());
    }
    if (!begun)
        return;
    slot->ports.front().wanted_name = vifs.front().name;
    slot->ports.front().bridge = bridges.front();
    boost::asio::post(io_, [this, domid] {
        if (const auto it = connecting_.find(domid); it != connecting_.end())
            advance(*it->second, it->second->ports.front());
    });
}

void Vifs::watch(Connecting& connecting, Port& port) {
    spdlog::debug("{}: in xenstore", port.name);
    links_->await_there(port.name, [this, &connecting, &port](const host::Link& vif) {
        spdlog::debug("{}: made by netback", vif.name);
        port.link = vif;
        advance(connecting, port);
    });
    port.state_watch = xenstore_.watch(
        VifPaths(connecting.domid, port.index).backend + "/state",
        [this, &connecting, &port](const auto& state) {
            // XenbusStateInitialising, XenbusStateInitWait: xen/io/xenbus.h
            if (state == initialising)
                return;
            if (state != "2")
                return end(connecting,
                           base::error(fmt::format(
                               "netback gave up: state {}{}", state.value_or("removed"),
                               netback_error(xenstore_, connecting.domid, port.index))));
            spdlog::debug("{}: netback is ready", port.name);
            port.waits_for_frontend = true;
            advance(connecting, port);
        });
}

void Vifs::advance(Connecting& connecting, Port& port) {
    if (!port.made() || !port.bridge || port.joined)
        return;
    base::Result<void> joined;
    if (!port.wanted_name.empty())
        joined = links_->rename(*port.link, port.wanted_name);
    if (joined)
        joined = connecting.off_bridge ? links_->raise(*port.link, *port.bridge)
                                       : links_->join(*port.link, *port.bridge);
    port.joined = joined.has_value();
    const bool all =
        std::ranges::all_of(connecting.ports, [](const Port& each) { return each.joined; });
    if (!joined || all)
        end(connecting, joined);
}

void Vifs::end(Connecting& connecting, base::Result<void> result) {
    for (const Port& port : connecting.ports) {
        links_->forget(port.name);
        xenstore_.unwatch(*port.state_watch);
    }
    const auto done = std::move(connecting.done);
    const vm::DomId domid = connecting.domid;
    connecting_.erase(domid);
    if (done)
        return done(std::move(result));
    // Begun only: if its domain comes, connect begins again.
    spares_.erase(domid);
    spdlog::warn("vif{}.0: {}", domid, result.error().what);
    if (const auto cleared = clear(domid); !cleared)
        spdlog::warn("{}", cleared.error().what);
}

bool Vifs::gone(vm::DomId domid) {
    const auto it = connecting_.find(domid);
    if (it == connecting_.end())
        return false;
    end(*it->second, base::error("the domain was destroyed by somebody else"));
    return true;
}

}  // namespace summond::xen
