// Waits for guests to be ready, each in the way its service says: a key in xenstore, a connected
// vif, or a port that accepts connections.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "neighbours.hpp"
#include "store.hpp"
#include "summond/config/config.hpp"
#include "summond/vm/backend.hpp"
#include "tcp_probe.hpp"

namespace summond::xen {

class Readiness {
  public:
    // store outlives it.
    static base::Result<std::unique_ptr<Readiness>> open(boost::asio::io_context& io, Store& store);

    // Calls ready once, from io's loop. Given up by forget.
    void await(vm::DomId domid, const config::Service& service, std::function<void()> ready);
    void forget(vm::DomId domid);

  private:
    Readiness(boost::asio::io_context& io, Store& store, Neighbours neighbours)
        : io_(io), store_(store), neighbours_(std::move(neighbours)) {}
    struct Way {
        base::IpAddress address;
        int interface;
    };
    std::optional<Way> way_to(const config::Service& service);
    void await_link(vm::DomId domid, std::function<void()> ready);
    bool await_tcp(vm::DomId domid, const config::Service& service, std::uint16_t port,
                   const std::function<void()>& ready);

    boost::asio::io_context& io_;
    Store& store_;
    Neighbours neighbours_;
    std::map<vm::DomId, std::unique_ptr<TcpProbe>> probes_;
    std::set<config::ServiceId> told_;  // that they cannot be reached
};

}  // namespace summond::xen
