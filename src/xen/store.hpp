// xenstore: marks, and readiness that a guest shows there. A guest's values are untrusted; they
// are compared, never parsed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "libxl.hpp"
#include "summond/base/result.hpp"
#include "summond/vm/backend.hpp"

namespace summond::xen {

class Store {
  public:
    static base::Result<std::unique_ptr<Store>> open(boost::asio::io_context& io);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    std::optional<std::string> read(const std::string& path) const;
    base::Result<void> write(const std::string& path, const std::string& value);

    // Calls found once from io's loop, when the node at path (below the domain's own directory)
    // satisfies. Given up by forget.
    void await(vm::DomId domid, const std::string& path,
               std::function<bool(const std::string&)> satisfies, std::function<void()> found);
    void forget(vm::DomId domid);

  private:
    struct Wait {
        std::string path;
        std::function<bool(const std::string&)> satisfies;
        std::function<void()> found;
    };
    Store(boost::asio::io_context& io, xs_handle* handle, int fd);
    void listen();
    void fired(vm::DomId domid);

    xs_handle* handle_;
    boost::asio::posix::stream_descriptor events_;
    std::map<vm::DomId, Wait> waits_;
};

}  // namespace summond::xen
