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
std::string errors_path(vm::DomId domid) {
    return fmt::format("{}/error/backend/vif/{}", domain_path(0), domid);
}

std::string netback_error(const Store& store, vm::DomId domid, unsigned index) {
    const auto error = store.read(fmt::format("{}/{}/error", errors_path(domid), index));
    return error ? ": " + *error : "";
}

template <typename Number>
std::optional<Number> number(const std::string& text) {
    Number value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

}  // namespace

struct Vifs::Port {
    unsigned index;
    std::string name;  // of the interface
    Link bridge;
    std::optional<Store::WatchId> state_watch{};
    bool waits_for_frontend = false;  // netback is in XenbusStateInitWait
    std::optional<Link> link{};
    bool joined = false;
};

struct Vifs::Connecting {
    vm::DomId domid;
    std::vector<Port> ports;
    Done done;
    boost::asio::steady_timer timeout;
};

struct Vifs::Removing {
    vm::DomId domid;
    std::set<std::string> there{};  // interfaces that have not disappeared yet
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

void Vifs::connect(const std::vector<Vif>& vifs, Done done) {
    const vm::DomId domid = vifs.front().domid;
    const auto fail = [this, &done](const base::Error& error) {
        boost::asio::post(io_,
                          [done = std::move(done), error] { done(tl::make_unexpected(error)); });
    };
    std::vector<Node> nodes;
    std::vector<Port> ports;
    for (const Vif& vif : vifs) {
        const auto bridge = links_->find(vif.bridge);
        if (!bridge)
            return fail(bridge.error());
        if (!*bridge)
            return fail({"there is no bridge " + vif.bridge});
        std::ranges::copy(vif_nodes(vif, (*bridge)->mtu), std::back_inserter(nodes));
        ports.push_back({vif.index, vif_name(domid, vif.index), **bridge});
    }
    const auto written =
        store_.transact("the vifs of domain " + std::to_string(domid), [&](auto& transaction) {
            // Nothing is to come back of a domain that somebody has just destroyed.
            if (!transaction.read(domain_path(domid) + "/" + service_mark))
                return false;
            return std::ranges::all_of(nodes,
                                       [&](const Node& node) { return transaction.write(node); });
        });
    if (!written)
        return fail(written.error());

    auto& slot = connecting_[domid];
    slot = std::make_unique<Connecting>(Connecting{
        domid, std::move(ports), std::move(done), boost::asio::steady_timer(io_, longest_connect)});
    slot->timeout.async_wait([this, domid](const auto& ec) {
        const auto it = connecting_.find(domid);
        if (ec || it == connecting_.end())
            return;
        const auto late =
            std::ranges::find_if(it->second->ports, [](const Port& port) { return !port.joined; });
        end(*it->second, base::error(fmt::format("netback made no {} in {} s{}", late->name,
                                                 longest_connect.count(),
                                                 netback_error(store_, domid, late->index))));
    });
    for (Port& port : slot->ports)
        connect(*slot, port);
}

void Vifs::connect(Connecting& connecting, Port& port) {
    spdlog::debug("{}: in xenstore", port.name);
    links_->await_there(port.name, [this, &connecting, &port](const Link& vif) {
        spdlog::debug("{}: made by netback", vif.name);
        port.link = vif;
        advance(connecting, port);
    });
    port.state_watch = store_.watch(
        VifPaths(connecting.domid, port.index).backend + "/state",
        [this, &connecting, &port](const auto& state) {
            // XenbusStateInitialising, XenbusStateInitWait: xen/io/xenbus.h
            if (state == "1")
                return;
            if (state != "2")
                return end(connecting, base::error(fmt::format(
                                           "netback gave up: state {}{}", state.value_or("removed"),
                                           netback_error(store_, connecting.domid, port.index))));
            spdlog::debug("{}: netback is ready", port.name);
            port.waits_for_frontend = true;
            advance(connecting, port);
        });
}

void Vifs::advance(Connecting& connecting, Port& port) {
    if (!port.waits_for_frontend || !port.link || port.joined)
        return;
    const auto joined = links_->join(*port.link, port.bridge);
    port.joined = joined.has_value();
    const bool all =
        std::ranges::all_of(connecting.ports, [](const Port& each) { return each.joined; });
    if (!joined || all)
        end(connecting, joined);
}

void Vifs::end(Connecting& connecting, base::Result<void> result) {
    for (const Port& port : connecting.ports) {
        links_->forget(port.name);
        store_.unwatch(*port.state_watch);
    }
    const auto done = std::move(connecting.done);
    connecting_.erase(connecting.domid);
    done(std::move(result));
}

bool Vifs::gone(vm::DomId domid) {
    const auto it = connecting_.find(domid);
    if (it == connecting_.end())
        return false;
    end(*it->second, base::error("the domain was destroyed by somebody else"));
    return true;
}

// The directories of the domain's vifs of ours away; which there were.
base::Result<std::vector<unsigned>> Vifs::clear(vm::DomId domid) {
    std::vector<unsigned> cleared;
    const auto backends = fmt::format("{}/backend/vif/{}", domain_path(0), domid);
    const auto removed = store_.transact(
        "remove the vifs of domain " + std::to_string(domid), [&](auto& transaction) {
            cleared.clear();
            for (const std::string& name :
                 transaction.list(backends).value_or(std::vector<std::string>())) {
                const auto index = number<unsigned>(name);
                if (!index)
                    continue;
                const VifPaths paths(domid, *index);
                if (transaction.read(paths.backend + "/script") != vif_script)
                    continue;
                if (!remove_and_prune(transaction, paths.backend) ||
                    !transaction.remove(paths.frontend) ||
                    !remove_and_prune(transaction, paths.libxl))
                    return false;
                cleared.push_back(*index);
            }
            return true;
        });
    if (!removed)
        return tl::make_unexpected(removed.error());
    return cleared;
}

void Vifs::remove(vm::DomId domid, Done done) {
    if (const auto it = connecting_.find(domid); it != connecting_.end()) {
        it->second->done = [](const auto&) {};
        end(*it->second, {});
    }
    const auto cleared = clear(domid);
    if (!cleared || cleared->empty()) {
        forget_errors(domid);
        boost::asio::post(io_, [done = std::move(done), cleared] {
            done(cleared ? base::Result<void>() : tl::make_unexpected(cleared.error()));
        });
        return;
    }
    auto& removing = removing_[domid];
    removing = std::make_unique<Removing>(
        Removing{domid, {}, std::move(done), boost::asio::steady_timer(io_, longest_remove)});
    removing->timeout.async_wait([this, domid](const auto& ec) {
        const auto it = removing_.find(domid);
        if (!ec && it != removing_.end())
            end(*it->second, base::error(*it->second->there.begin() + " does not go away"));
    });
    for (const unsigned index : *cleared)
        removing->there.insert(vif_name(domid, index));
    for (const std::string& name : removing->there) {
        const auto link = links_->find(name);
        if (link && !*link)  // later, for done is not to be called from here
            boost::asio::post(io_, [this, domid, name] { removed(domid, name); });
        else
            links_->await_gone(name, [this, domid, name] { removed(domid, name); });
    }
}

void Vifs::removed(vm::DomId domid, const std::string& name) {
    const auto it = removing_.find(domid);
    if (it != removing_.end() && it->second->there.erase(name) > 0 && it->second->there.empty())
        end(*it->second, {});
}

void Vifs::end(Removing& removing, base::Result<void> result) {
    for (const std::string& name : removing.there)
        links_->forget(name);
    forget_errors(removing.domid);
    const auto done = std::move(removing.done);
    removing_.erase(removing.domid);
    done(std::move(result));
}

void Vifs::forget_errors(vm::DomId domid) {
    const std::string path = errors_path(domid);
    if (!store_.read(path))
        return;
    const auto removed = store_.transact(
        "remove " + path, [&](auto& transaction) { return remove_and_prune(transaction, path); });
    if (!removed)
        spdlog::warn("{}", removed.error().what);
}

void Vifs::sweep(const std::set<vm::DomId>& there) {
    for (const std::string& name : store_.list(domain_path(0) + "/backend/vif")) {
        const auto domid = number<vm::DomId>(name);
        if (!domid || there.contains(*domid))
            continue;
        const auto cleared = clear(*domid);
        if (!cleared)
            spdlog::error("{}", cleared.error().what);
        else if (!cleared->empty())
            spdlog::info("removed what was left of the vifs of domain {}", *domid);
    }
}

}  // namespace summond::xen
