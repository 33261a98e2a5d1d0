#include "store.hpp"

#include <fcntl.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "identity.hpp"

namespace summond::xen {
namespace {

std::string token(vm::DomId domid) {
    return "ready:" + std::to_string(domid);
}

struct Free {
    void operator()(void* p) const { std::free(p); }
};

}  // namespace

base::Result<std::unique_ptr<Store>> Store::open(boost::asio::io_context& io) {
    xs_handle* handle = ::xs_open(0);
    if (handle == nullptr)
        return base::system_error("xenstore does not answer", errno);
    const int fd = ::fcntl(::xs_fileno(handle), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        const int error = errno;
        ::xs_close(handle);
        return base::system_error("xenstore", error);
    }
    return std::unique_ptr<Store>(new Store(io, handle, fd));
}

Store::Store(boost::asio::io_context& io, xs_handle* handle, int fd)
    : handle_(handle), events_(io, fd) {
    listen();
}

Store::~Store() {
    ::xs_close(handle_);
}

std::optional<std::string> Store::read(const std::string& path) const {
    unsigned size = 0;
    const std::unique_ptr<void, Free> value(::xs_read(handle_, XBT_NULL, path.c_str(), &size));
    if (!value)
        return std::nullopt;
    return std::string(static_cast<const char*>(value.get()), size);
}

base::Result<void> Store::write(const std::string& path, const std::string& value) {
    if (!::xs_write(handle_, XBT_NULL, path.c_str(), value.data(),
                    static_cast<unsigned>(value.size())))
        return base::system_error("xenstore: write " + path, errno);
    return {};
}

void Store::await(vm::DomId domid, const std::string& path,
                  std::function<bool(const std::string&)> satisfies, std::function<void()> found) {
    forget(domid);
    const auto& wait =
        waits_[domid] = {domain_path(domid) + "/" + path, std::move(satisfies), std::move(found)};
    // A new watch fires at once, so what is there already is seen too (xs_watch, xenstore.h).
    ::xs_watch(handle_, wait.path.c_str(), token(domid).c_str());
}

void Store::forget(vm::DomId domid) {
    const auto it = waits_.find(domid);
    if (it == waits_.end())
        return;
    ::xs_unwatch(handle_, it->second.path.c_str(), token(domid).c_str());
    waits_.erase(it);
}

void Store::listen() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const auto& ec) {
        if (ec)
            return;
        while (char** event = ::xs_check_watch(handle_)) {
            const std::unique_ptr<char*, Free> owned(event);
            const std::string_view text(event[XS_WATCH_TOKEN]);
            vm::DomId domid = 0;
            if (const auto colon = text.find(':'); colon != std::string_view::npos)
                std::from_chars(text.data() + colon + 1, text.data() + text.size(), domid);
            fired(domid);
        }
        listen();
    });
}

void Store::fired(vm::DomId domid) {
    const auto it = waits_.find(domid);
    if (it == waits_.end())
        return;
    const auto value = read(it->second.path);
    if (!value || !it->second.satisfies(*value))
        return;
    const auto found = std::move(it->second.found);
    forget(domid);
    found();
}

}  // namespace summond::xen
