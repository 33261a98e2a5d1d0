// Vifs' operations under way.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <optional>
#include <set>
#include <string>

#include "vifs.hpp"

namespace summond::xen {

struct Vifs::Port {
    unsigned index;
    std::string name;                    // of the interface, as netback makes it
    std::string wanted_name{};           // empty: it stays as it is
    std::optional<host::Link> bridge{};  // none yet: a spare
    std::optional<XenStore::WatchId> state_watch{};
    bool waits_for_frontend = false;  // netback is in XenbusStateInitWait
    std::optional<host::Link> link{};
    bool joined = false;

    bool made() const { return waits_for_frontend && link; }
};

struct Vifs::Connecting {
    vm::DomId domid;
    std::deque<Port> ports;  // their waits point to them
    Done done;  // none yet: begun, its domain is still being built or is not even asked for
    boost::asio::steady_timer timeout;
    bool off_bridge = false;
};

struct Vifs::Removing {
    vm::DomId domid;
    std::set<std::string> there{};  // interfaces that have not disappeared yet
    Done done;
    boost::asio::steady_timer timeout;
};

}  // namespace summond::xen
