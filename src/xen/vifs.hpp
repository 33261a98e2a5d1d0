// The domains' network interfaces: plumbed here instead of by libxl, whose hotplug script (a shell,
// run under a host-wide lock) takes several times as long as building the rest of the domain.
// (Interfaces with a script of the operator's are libxl's, domain_config.hpp.)
//
// begin: a domid for a domain to be built, and the directories of its first vif in xenstore, on
// which netback makes the interface in dom0 while libxl builds the domain; or long before that
// (spares). connect: the domain is there: what is left of its vifs' directories, in one
// transaction; then, from io's loop, each interface onto its bridge. remove: the directories away,
// on which netback removes the interfaces.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spare_domids.hpp"
#include "summond/host/links.hpp"
#include "summond/vm/hypervisor.hpp"
#include "vif_nodes.hpp"
#include "xenstore.hpp"

namespace summond::xen {

class Vifs {
  public:
    using Done = std::function<void(base::Result<void>)>;  // called from io's loop

    // xenstore outlives it.
    static base::Result<std::unique_ptr<Vifs>> open(boost::asio::io_context& io,
                                                    XenStore& xenstore);
    // Removes the spares.
    ~Vifs();

    // Whether there is a bridge to connect to.
    base::Result<void> check(const std::string& bridge);
    // The domid that a new domain with a vif of ours is to have: of a spare whose interface is
    // made, else of one that is begun now. connect or remove has to follow. None: let Xen choose.
    std::optional<vm::DomId> begin();
    // Begins one spare if there are fewer than that; false if there are as many. For a quiet
    // moment.
    bool add_spare(std::size_t wanted);
    // Gives the domain, which does not run yet, its vifs: one or more, all of this domain. On error
    // remove has still to be called.
    // off_bridge: they are taken up and not yet ports of their bridges, until join.
    void connect(const std::vector<Vif>& vifs, bool off_bridge, Done done);
    // Prepares join for a vif that is connected off its bridge and whose domain is paused: it
    // becomes a port of its bridge that is sent nothing.
    base::Result<void> rest(const Vif& vif);
    // Makes all connected vifs of a domain ports of their bridges like any other: after rest,
    // with one request each.
    base::Result<void> join(const std::vector<Vif>& vifs);
    // Ends a connect under way with an error: the domain is gone. False if there is none.
    bool gone(vm::DomId domid);
    // Done when the interfaces have disappeared. A domain without a vif of ours is no error. done
    // of a connect under way is not called any more.
    void remove(vm::DomId domid, Done done);
    // Removes what is left of vifs of ours whose domains are not there any more.
    void sweep(const std::set<vm::DomId>& there);

  private:
    struct Port;
    struct Connecting;
    struct Removing;
    // Of a vif; an index of 0 where there is no such interface.
    struct Ends {
        host::Link port;
        host::Link bridge;
    };

    static Ends ends_of(const Vif& vif);
    Vifs(boost::asio::io_context& io, XenStore& xenstore, std::unique_ptr<host::Links> links);
    std::optional<vm::DomId> begin_spare();
    base::Result<void> write(const std::vector<Vif>& vifs, const std::vector<host::Link>& bridges,
                             bool begun);
    void watch(Connecting& connecting, Port& port);
    void advance(Connecting& connecting, Port& port);
    void end(Connecting& connecting, base::Result<void> result);
    void removed(vm::DomId domid, const std::string& name);
    void end(Removing& removing, base::Result<void> result);
    base::Result<std::vector<unsigned>> clear(vm::DomId domid);
    void forget_errors(vm::DomId domid);

    boost::asio::io_context& io_;
    XenStore& xenstore_;
    std::unique_ptr<host::Links> links_;
    SpareDomids domids_;
    std::map<vm::DomId, std::unique_ptr<Connecting>> connecting_;
    std::map<vm::DomId, std::unique_ptr<Removing>> removing_;
    std::set<vm::DomId> spares_;                     // begun and not given out
    std::map<vm::DomId, std::vector<int>> resting_;  // the ports of each
};

}  // namespace summond::xen
