#include "xenstore.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "identity.hpp"

namespace summond::xen {
namespace {

// Each failed attempt means that somebody else's transaction succeeded.
constexpr int attempts = 100;

struct Free {
    void operator()(void* p) const { std::free(p); }
};

std::optional<std::string> read_node(xs_handle* handle, xs_transaction_t transaction,
                                     const std::string& path) {
    unsigned size = 0;
    const std::unique_ptr<void, Free> value(::xs_read(handle, transaction, path.c_str(), &size));
    if (!value)
        return std::nullopt;
    return std::string(static_cast<const char*>(value.get()), size);
}

std::optional<std::vector<std::string>> list_node(xs_handle* handle, xs_transaction_t transaction,
                                                  const std::string& path) {
    unsigned count = 0;
    const std::unique_ptr<char*, Free> names(
        ::xs_directory(handle, transaction, path.c_str(), &count));
    if (!names)
        return std::nullopt;
    return std::vector<std::string>(names.get(), names.get() + count);
}

}  // namespace

std::optional<std::string> XenStore::Transaction::read(const std::string& path) const {
    return read_node(handle_, id_, path);
}

std::optional<std::vector<std::string>> XenStore::Transaction::list(const std::string& path) const {
    return list_node(handle_, id_, path);
}

bool XenStore::Transaction::write(const Node& node) {
    const char* path = node.path.c_str();
    if (!node.there && !::xs_write(handle_, id_, path, node.value.data(),
                                   static_cast<unsigned>(node.value.size())))
        return false;
    return node.permissions.empty() || permit(node.path, node.permissions);
}

std::vector<xs_permissions> XenStore::Transaction::permissions(const std::string& path) const {
    unsigned count = 0;
    const std::unique_ptr<xs_permissions, Free> found(
        ::xs_get_permissions(handle_, id_, path.c_str(), &count));
    if (!found)
        return {};
    return {found.get(), found.get() + count};
}

bool XenStore::Transaction::permit(const std::string& path,
                                   std::vector<xs_permissions> permissions) {
    return ::xs_set_permissions(handle_, id_, path.c_str(), permissions.data(),
                                static_cast<unsigned>(permissions.size()));
}

bool XenStore::Transaction::remove(const std::string& path) {
    return ::xs_rm(handle_, id_, path.c_str()) || errno == ENOENT;
}

base::Result<std::unique_ptr<XenStore>> XenStore::open(boost::asio::io_context& io) {
    Handle requests(::xs_open(0));
    Handle events(::xs_open(0));
    if (!requests || !events)
        return base::system_error("xenstore does not answer", errno);
    const int fd = ::fcntl(::xs_fileno(events.get()), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return base::system_error("xenstore", errno);
    return std::unique_ptr<XenStore>(new XenStore(io, std::move(requests), std::move(events), fd));
}

XenStore::XenStore(boost::asio::io_context& io, Handle requests, Handle events, int fd)
    : requests_(std::move(requests)), watches_handle_(std::move(events)), events_(io, fd) {
    listen();
}

std::optional<std::string> XenStore::read(const std::string& path) const {
    return read_node(requests_.get(), XBT_NULL, path);
}

std::vector<std::string> XenStore::list(const std::string& path) const {
    return list_node(requests_.get(), XBT_NULL, path).value_or(std::vector<std::string>());
}

base::Result<void> XenStore::write(const std::string& path, const std::string& value) {
    if (!Transaction(requests_.get(), XBT_NULL).write({path, value}))
        return base::system_error("xenstore: write " + path, errno);
    return {};
}

base::Result<void> XenStore::remove(const std::string& path) {
    if (!Transaction(requests_.get(), XBT_NULL).remove(path))
        return base::system_error("xenstore: remove " + path, errno);
    return {};
}

base::Result<void> XenStore::transact(const std::string& what,
                                      const std::function<bool(Transaction&)>& steps) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const xs_transaction_t id = ::xs_transaction_start(requests_.get());
        if (id == XBT_NULL)
            break;
        Transaction transaction(requests_.get(), id);
        if (!steps(transaction)) {
            const int error = errno;
            ::xs_transaction_end(requests_.get(), id, true);
            return base::system_error("xenstore: " + what, error);
        }
        if (::xs_transaction_end(requests_.get(), id, false))
            return {};
        if (errno != EAGAIN)
            break;
    }
    return base::system_error("xenstore: " + what, errno);
}

XenStore::WatchId XenStore::watch(const std::string& path,
                                  std::function<void(const std::optional<std::string>&)> changed) {
    const WatchId id = ++last_watch_;
    watches_[id] = {path, std::move(changed)};
    // A new watch fires at once, so what is there already is seen too (xs_watch, xenstore.h).
    ::xs_watch(watches_handle_.get(), path.c_str(), std::to_string(id).c_str());
    return id;
}

void XenStore::unwatch(WatchId id) {
    const auto it = watches_.find(id);
    if (it == watches_.end())
        return;
    ::xs_unwatch(watches_handle_.get(), it->second.path.c_str(), std::to_string(id).c_str());
    watches_.erase(it);
}

void XenStore::await(vm::DomId domid, const std::string& path,
                     std::function<bool(const std::string&)> satisfies,
                     std::function<void()> found) {
    forget(domid);
    awaited_[domid] = watch(domain_path(domid) + "/" + path,
                            [this, domid, satisfies = std::move(satisfies),
                             found = std::move(found)](const std::optional<std::string>& value) {
                                if (!value || !satisfies(*value))
                                    return;
                                forget(domid);
                                found();
                            });
}

void XenStore::forget(vm::DomId domid) {
    const auto it = awaited_.find(domid);
    if (it == awaited_.end())
        return;
    unwatch(it->second);
    awaited_.erase(it);
}

void XenStore::listen() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const auto& ec) {
        if (ec)
            return;
        while (char** event = ::xs_check_watch(watches_handle_.get())) {
            const std::unique_ptr<char*, Free> owned(event);
            const std::string_view token(event[XS_WATCH_TOKEN]);
            WatchId id = 0;
            std::from_chars(token.data(), token.data() + token.size(), id);
            fired(id);
        }
        listen();
    });
}

void XenStore::fired(WatchId id) {
    const auto it = watches_.find(id);
    if (it == watches_.end())
        return;
    // A copy: it may well end its own watch.
    const auto changed = it->second.changed;
    changed(read(it->second.path));
}

}  // namespace summond::xen
