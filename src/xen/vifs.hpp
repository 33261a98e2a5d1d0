// The domains' network interfaces: plumbed here instead of by libxl, whose hotplug script (a shell,
// run under a host-wide lock) takes several times as long as building the rest of the domain.
//
// connect: the vif's directories in xenstore, in one transaction, on which netback makes the
// interface in dom0; then, from io's loop, the interface onto its bridge.
// remove: the directories away, on which netback removes the interface.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "links.hpp"
#include "store.hpp"
#include "summond/config/config.hpp"
#include "summond/vm/backend.hpp"

namespace summond::xen {

class Vifs {
  public:
    using Done = std::function<void(base::Result<void>)>;  // called from io's loop

    // store outlives it.
    static base::Result<std::unique_ptr<Vifs>> open(boost::asio::io_context& io, Store& store);
    ~Vifs();

    // Whether there is a bridge to connect to.
    base::Result<void> check(const std::string& bridge);
    // Gives the domain, which does not run yet, its vif. On error remove has still to be called.
    void connect(vm::DomId domid, const config::Mac& mac, const std::string& bridge, Done done);
    // Ends a connect under way with an error: the domain is gone. False if there is none.
    bool gone(vm::DomId domid);
    // Done when the interface has disappeared. A domain without a vif of ours is no error. done of
    // a connect under way is not called any more.
    void remove(vm::DomId domid, Done done);
    // Removes what is left of vifs of ours whose domains are not there any more.
    void sweep(const std::set<vm::DomId>& there);

  private:
    struct Connecting;
    struct Removing;

    Vifs(boost::asio::io_context& io, Store& store, std::unique_ptr<Links> links);
    void advance(Connecting& connecting);
    void end(Connecting& connecting, base::Result<void> result);
    base::Result<bool> clear(vm::DomId domid);
    void forget_error(vm::DomId domid);

    boost::asio::io_context& io_;
    Store& store_;
    std::unique_ptr<Links> links_;
    std::map<vm::DomId, std::unique_ptr<Connecting>> connecting_;
    std::map<vm::DomId, std::unique_ptr<Removing>> removing_;
};

}  // namespace summond::xen
