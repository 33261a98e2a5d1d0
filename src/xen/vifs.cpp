#include "vifs.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "identity.hpp"
#include "vif_nodes.hpp"

namespace summond::xen {
namespace {

// libxl's patience with a hotplug script (LIBXL_HOTPLUG_TIMEOUT) and with a backend that closes.
constexpr std::chrono::seconds longest_connect{40};
constexpr std::chrono::seconds longest_remove{20};

// Removes the node and, as libxl does, those above it that this leaves empty.
bool remove_and_prune(Store::Transaction& transaction, std::string path) {
    for (;;) {
        if (!transaction.remove(path))
            return false;
        path.resize(path.rfind('/'));
        const auto below = transaction.list(path);
        if (!below || !below->empty())
            return true;
    }
}

// Where netback says what went wrong (xenbus_dev_error), also when only its guest was destroyed in
// the middle of connecting. Nobody else removes it.
std::string error_path(vm::DomId domid) {
    return fmt::format("{}/error/backend/vif/{}/0", domain_path(0), domid);
}

std::string netback_error(const Store& store, vm::DomId domid) {
    const auto error = store.read(error_path(domid) + "/error");
    return error ? ": " + *error : "";
}

}  // namespace

struct Vifs::Connecting {
    vm::DomId domid;
    Link bridge;
    Done done;
    boost::asio::steady_timer timeout;
    std::optional<Store::WatchId> state_watch{};
    bool waits_for_frontend = false;  // netback is in XenbusStateInitWait
    std::optional<Link> link{};
};

struct Vifs::Removing {
    Done done;
    boost::asio::steady_timer timeout;
};

base::Result<std::unique_ptr<Vifs>> Vifs::open(boost::asio::io_context& io, Store& store) {
    auto links = Links::open(io);
    if (!links)
        return tl::make_unexpected(links.error());
    return std::unique_ptr<Vifs>(new Vifs(io, store, std::move(*links)));
}

Vifs::Vifs(boost::asio::io_context& io, Store& store, std::unique_ptr<Links> links)
    : io_(io), store_(store), links_(std::move(links)) {}

Vifs::~Vifs() = default;

base::Result<void> Vifs::check(const std::string& bridge) {
    const auto link = links_->find(bridge);
    if (!link)
        return tl::make_unexpected(link.error());
    if (!*link)
        return base::error("there is no bridge " + bridge);
    return {};
}

void Vifs::connect(vm::DomId domid, const config::Mac& mac, const std::string& bridge, Done done) {
    const auto fail = [this, &done](const base::Error& error) {
        boost::asio::post(io_,
                          [done = std::move(done), error] { done(tl::make_unexpected(error)); });
    };
    const auto link = links_->find(bridge);
    if (!link)
        return fail(link.error());
    if (!*link)
        return fail({"there is no bridge " + bridge});
    const auto nodes = vif_nodes(domid, mac, bridge, (*link)->mtu);
    const auto written =
        store_.transact("the vif of domain " + std::to_string(domid), [&](auto& transaction) {
            // Nothing is to come back of a domain that somebody has just destroyed.
            if (!transaction.read(domain_path(domid) + "/" + service_mark))
                return false;
            return std::ranges::all_of(nodes,
                                       [&](const Node& node) { return transaction.write(node); });
        });
    if (!written)
        return fail(written.error());

    spdlog::debug("{}: in xenstore", vif_name(domid));
    auto& slot = connecting_[domid];
    slot = std::make_unique<Connecting>(Connecting{
        domid, **link, std::move(done), boost::asio::steady_timer(io_, longest_connect)});
    Connecting& connecting = *slot;
    connecting.timeout.async_wait([this, domid](const auto& ec) {
        const auto it = connecting_.find(domid);
        if (!ec && it != connecting_.end())
            end(*it->second,
                base::error(fmt::format("netback made no {} in {} s{}", vif_name(domid),
                                        longest_connect.count(), netback_error(store_, domid))));
    });
    links_->await_there(vif_name(domid), [this, &connecting](const Link& vif) {
        spdlog::debug("{}: made by netback", vif.name);
        connecting.link = vif;
        advance(connecting);
    });
    connecting.state_watch =
        store_.watch(VifPaths(domid).backend + "/state", [this, &connecting](const auto& state) {
            // XenbusStateInitialising, XenbusStateInitWait: xen/io/xenbus.h
            if (state == "1")
                return;
            if (state != "2")
                return end(connecting, base::error(fmt::format(
                                           "netback gave up: state {}{}", state.value_or("removed"),
                                           netback_error(store_, connecting.domid))));
            spdlog::debug("{}: netback is ready", vif_name(connecting.domid));
            connecting.waits_for_frontend = true;
            advance(connecting);
        });
}

void Vifs::advance(Connecting& connecting) {
    if (connecting.waits_for_frontend && connecting.link)
        end(connecting, links_->join(*connecting.link, connecting.bridge));
}

void Vifs::end(Connecting& connecting, base::Result<void> result) {
    const vm::DomId domid = connecting.domid;
    links_->forget(vif_name(domid));
    store_.unwatch(*connecting.state_watch);
    const auto done = std::move(connecting.done);
    connecting_.erase(domid);
    done(std::move(result));
}

bool Vifs::gone(vm::DomId domid) {
    const auto it = connecting_.find(domid);
    if (it == connecting_.end())
        return false;
    end(*it->second, base::error("the domain was destroyed by somebody else"));
    return true;
}

// The directories of a vif of ours away; whether there was one.
base::Result<bool> Vifs::clear(vm::DomId domid) {
    const VifPaths paths(domid);
    bool ours = false;
    const auto removed = store_.transact(
        "remove the vif of domain " + std::to_string(domid), [&](auto& transaction) {
            ours = transaction.read(paths.backend + "/script") == vif_script;
            return !ours || (remove_and_prune(transaction, paths.backend) &&
                             transaction.remove(paths.frontend) &&
                             remove_and_prune(transaction, paths.libxl));
        });
    if (!removed)
        return tl::make_unexpected(removed.error());
    return ours;
}

void Vifs::remove(vm::DomId domid, Done done) {
    if (const auto it = connecting_.find(domid); it != connecting_.end()) {
        it->second->done = [](const auto&) {};
        end(*it->second, {});
    }
    const std::string name = vif_name(domid);
    const auto ended = [this, domid](base::Result<void> result) {
        const auto it = removing_.find(domid);
        if (it == removing_.end())
            return;
        links_->forget(vif_name(domid));
        forget_error(domid);
        const auto call = std::move(it->second->done);
        removing_.erase(it);
        call(std::move(result));
    };
    auto& removing = removing_[domid];
    removing = std::make_unique<Removing>(
        Removing{std::move(done), boost::asio::steady_timer(io_, longest_remove)});
    removing->timeout.async_wait([ended, name](const auto& ec) {
        if (!ec)
            ended(base::error(name + " does not go away"));
    });
    links_->await_gone(name, [ended] { ended({}); });

    const auto cleared = clear(domid);
    if (!cleared) {
        boost::asio::post(io_,
                          [ended, error = cleared.error()] { ended(tl::make_unexpected(error)); });
        return;
    }
    const auto link = links_->find(name);
    if (!*cleared || (link && !*link))
        boost::asio::post(io_, [ended] { ended({}); });
}

void Vifs::forget_error(vm::DomId domid) {
    if (!store_.read(error_path(domid)))
        return;
    const auto removed = store_.transact("remove " + error_path(domid), [&](auto& transaction) {
        return remove_and_prune(transaction, error_path(domid));
    });
    if (!removed)
        spdlog::warn("{}", removed.error().what);
}

void Vifs::sweep(const std::set<vm::DomId>& there) {
    for (const std::string& name : store_.list(domain_path(0) + "/backend/vif")) {
        vm::DomId domid = 0;
        const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), domid);
        if (ec != std::errc() || end != name.data() + name.size() || there.contains(domid))
            continue;
        const auto cleared = clear(domid);
        if (!cleared)
            spdlog::error("{}", cleared.error().what);
        else if (*cleared)
            spdlog::info("removed what was left of the vif of domain {}", domid);
    }
}

}  // namespace summond::xen
