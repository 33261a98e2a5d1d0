// Vifs: the interfaces away again.
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "identity.hpp"
#include "summond/base/log.hpp"
#include "summond/host/vif_interface.hpp"
#include "vif_operations.hpp"

namespace summond::xen {
namespace {

// libxl's patience with a backend that closes.
constexpr std::chrono::seconds longest_remove{20};

// Removes the node and, as libxl does, those above it that this leaves empty.
bool remove_and_prune(XenStore::Transaction& transaction, std::string path) {
    for (;;) {
        if (!transaction.remove(path))
            return false;
        path.resize(path.rfind('/'));
        const auto below = transaction.list(path);
        if (!below || !below->empty())
            return true;
    }
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

// The directories of the domain's vifs of ours away; which there were.
base::Result<std::vector<unsigned>> Vifs::clear(vm::DomId domid) {
    std::vector<unsigned> cleared;
    const auto backends = fmt::format("{}/backend/vif/{}", domain_path(0), domid);
    const auto removed = xenstore_.transact(
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
                    !remove_and_prune(transaction, paths.frontend) ||
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
    resting_.erase(domid);
    if (const auto it = connecting_.find(domid); it != connecting_.end()) {
        it->second->done = [](const auto&) {};
        end(*it->second, {});
    }
    std::map<unsigned, std::string> names;  // while sysfs knows them
    for (const std::string& index :
         xenstore_.list(fmt::format("{}/backend/vif/{}", domain_path(0), domid)))
        if (const auto number_of = number<unsigned>(index)) {
            const auto interface = host::vif_interface(domid, *number_of);
            names[*number_of] = interface ? interface->name : host::vif_name(domid, *number_of);
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
        removing->there.insert(names[index]);
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
    const std::string path = netback_errors_path(domid);
    if (!xenstore_.read(path))
        return;
    const auto removed = xenstore_.transact(
        "remove " + path, [&](auto& transaction) { return remove_and_prune(transaction, path); });
    if (!removed)
        spdlog::warn("{}", removed.error().what);
}

void Vifs::sweep(const std::set<vm::DomId>& there) {
    for (const std::string& name : xenstore_.list(domain_path(0) + "/backend/vif")) {
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
