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

class TrafficMeter final : public vm::TrafficMeter {
  public:
    TrafficMeter() = default;
    ~TrafficMeter() override;
    TrafficMeter(const TrafficMeter&) = delete;
    TrafficMeter& operator=(const TrafficMeter&) = delete;

    // Those of their interfaces that are on bridges.
    base::Result<void> count(const std::vector<service::Instance>& services) override;
    // Interfaces with a script are for count_at.
    base::Result<void> count_also(const service::Instance& service) override;
    void forget(service::Id service) override;
    // Counts what is sent into this interface of dom0's to the guest that has it, of a service that
    // is counted. On error the service is not read any more: nobody knows whether it is idle.
    base::Result<void> count_at(const std::string& interface, const std::string& mac,
                                service::Id service);
    base::Result<std::vector<vm::Traffic>> read() override;

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
    std::map<service::Id, service::Instance> services_;  // that are counted
    std::map<std::string, std::string> policies_;  // rules of the bridge table, by what they say
    bool watches_connections_ = false;
    bool begun_ = false;
    bool bridge_table_ = false;
    bool netdev_table_ = false;
    std::set<service::Id> uncounted_;
};

}  // namespace summond::host
