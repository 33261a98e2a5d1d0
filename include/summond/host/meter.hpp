// Counts the packets that keep a domain. Interfaces on a bridge of Linux: one nftables table of our
// own in the bridge family, one map from MAC to counter. Interfaces that a hotplug script has put
// anywhere else: a table in the netdev family, a chain for each, which goes with the interface. One
// read for all services. Touches no table of the operator's; the tables go when the meter does, and
// are taken over by the next start after a kill.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/host/nft.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::host {

class Meter {
  public:
    Meter() = default;
    ~Meter();
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    // The services whose interfaces on bridges are counted.
    base::Result<void> set(const std::vector<service::Instance>& services);
    // Counts what is sent into this interface of dom0's to the guest that has it, of a service of
    // the last set. On error the
    // service is not read any more: nobody knows whether it is idle.
    base::Result<void> count_at(const std::string& interface, const std::string& mac,
                                service::Id service);
    base::Result<std::vector<vm::Traffic>> read();

    // How often the service has been woken: shown by the next write_wakes, in a table of their own
    // that nothing reads but people and their tools. One counter for each reason, in which
    // nftables' packets are the wakes, and its bytes how long they took together in ms.
    void count_wakes(const service::Instance& service, const vm::Wakes& wakes);
    base::Result<void> write_wakes();

  private:
    // A client's connection: the guest's MAC, the client's address and port, the guest's port, and
    // how long it may still be silent.
    struct Connection {
        std::string mac;
        std::string address;
        std::uint16_t port;
        std::uint16_t own_port;
        std::chrono::seconds expires;
    };
    std::vector<Connection> read_connections(std::string_view family);
    const service::Instance* service_with(const std::string& mac) const;

    Nft nft_;
    std::map<service::Id, service::Instance> services_;  // of the last set
    bool watches_connections_ = false;
    bool begun_ = false;
    bool bridge_table_ = false;
    bool netdev_table_ = false;
    std::set<service::Id> uncounted_;
    std::map<service::Id, std::string> wakes_;  // commands, not written yet
};

}  // namespace summond::host
