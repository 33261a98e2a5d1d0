// xenstore: marks, device directories, and readiness that a guest shows there. A guest's values
// are untrusted; they are compared, never parsed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libxl.hpp"
#include "summond/base/result.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

// A node to be written. What is below a node made without permissions of its own has its parent's.
struct Node {
    std::string path;
    std::string value{};
    std::vector<xs_permissions> permissions{};  // the owner's first; empty: as its parent
    bool there = false;                         // it has its value, and is to be permitted only
};

class XenStore {
  public:
    // One attempt at a transaction.
    class Transaction {
      public:
        std::optional<std::string> read(const std::string& path) const;
        // The names below the node; none if they cannot be had.
        std::optional<std::vector<std::string>> list(const std::string& path) const;
        bool write(const Node& node);
        // With all that is below it. No error if it is not there.
        bool remove(const std::string& path);
        // The owner's first; none if they cannot be had.
        std::vector<xs_permissions> permissions(const std::string& path) const;
        bool permit(const std::string& path, std::vector<xs_permissions> permissions);

      private:
        friend class XenStore;
        Transaction(xs_handle* handle, xs_transaction_t id) : handle_(handle), id_(id) {}
        xs_handle* handle_;
        xs_transaction_t id_;
    };
    using WatchId = unsigned;

    static base::Result<std::unique_ptr<XenStore>> open(boost::asio::io_context& io);
    XenStore(const XenStore&) = delete;
    XenStore& operator=(const XenStore&) = delete;

    std::optional<std::string> read(const std::string& path) const;
    std::vector<std::string> list(const std::string& path) const;
    base::Result<void> write(const std::string& path, const std::string& value);
    base::Result<void> remove(const std::string& path);

    // All that steps does, or nothing of it. steps runs again whenever somebody else's change came
    // in between; false from it gives up, with errno as the reason. what: for the error.
    base::Result<void> transact(const std::string& what,
                                const std::function<bool(Transaction&)>& steps);

    // Calls changed from io's loop with the node's value, none if it is not there: once at first,
    // then after every change of it or of what is below or above it.
    WatchId watch(const std::string& path,
                  std::function<void(const std::optional<std::string>&)> changed);
    void unwatch(WatchId id);

    // Calls found once from io's loop, when the node at path (below the domain's own directory)
    // satisfies. Given up by forget.
    void await(vm::DomId domid, const std::string& path,
               std::function<bool(const std::string&)> satisfies, std::function<void()> found);
    void forget(vm::DomId domid);
    bool awaits() const { return !awaited_.empty(); }

  private:
    struct Watch {
        std::string path;
        std::function<void(const std::optional<std::string>&)> changed;
    };
    struct Close {
        void operator()(xs_handle* handle) const { ::xs_close(handle); }
    };
    using Handle = std::unique_ptr<xs_handle, Close>;
    XenStore(boost::asio::io_context& io, Handle requests, Handle events, int fd);
    void listen();
    void fired(WatchId id);

    // Two connections: libxenstore gives one that has watches a thread that reads for it, and each
    // answer to a request there then comes by way of that thread.
    Handle requests_;
    Handle watches_handle_;
    boost::asio::posix::stream_descriptor events_;
    WatchId last_watch_ = 0;
    std::map<WatchId, Watch> watches_;
    std::map<vm::DomId, WatchId> awaited_;
};

}  // namespace summond::xen
