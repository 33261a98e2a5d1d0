// Waits for guests to be ready, each in the way its service says: a key in xenstore, a connected
// vif, or a port that accepts connections or answers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "summond/host/neighbours.hpp"
#include "summond/host/tcp_probe.hpp"
#include "summond/host/vif_probe.hpp"
#include "summond/service/instance.hpp"
#include "summond/vm/hypervisor.hpp"
#include "xenstore.hpp"

namespace summond::xen {

class Readiness {
  public:
    // xenstore outlives it.
    static base::Result<std::unique_ptr<Readiness>> open(boost::asio::io_context& io,
                                                         XenStore& xenstore);

    // Calls ready once, from io's loop. Given up by forget.
    void await(vm::DomId domid, const service::Instance& service, const service::ReadyHow& how,
               std::function<void()> ready);
    void forget(vm::DomId domid);
    // Whether any guest is waited for.
    bool waits() const {
        return !vif_probes_.empty() || !tcp_probes_.empty() || xenstore_.awaits();
    }

  private:
    Readiness(boost::asio::io_context& io, XenStore& xenstore, host::Neighbours neighbours)
        : io_(io), xenstore_(xenstore), neighbours_(std::move(neighbours)) {}
    host::VifProbe::Asks asks(const service::Instance& service, std::uint16_t port);
    bool await_at_vif(vm::DomId domid, const service::Instance& service,
                      const service::ReadyTcp& tcp, const std::function<void()>& ready);
    bool await_from_dom0(vm::DomId domid, const service::Instance& service,
                         const service::ReadyTcp& tcp, const std::function<void()>& ready);
    void await_link(vm::DomId domid, std::function<void()> ready);

    boost::asio::io_context& io_;
    XenStore& xenstore_;
    host::Neighbours neighbours_;
    boost::asio::thread_pool closer_{1};  // outlives the probes
    std::map<vm::DomId, std::unique_ptr<host::VifProbe>> vif_probes_;
    std::map<vm::DomId, std::unique_ptr<host::TcpProbe>>
        tcp_probes_;              // where a script made the vif
    std::set<service::Id> told_;  // that dom0 has no way to them
};

}  // namespace summond::xen
