// Counts the packets that keep a domain. Interfaces on a bridge of Linux: one nftables table of our
// own in the bridge family, one map from MAC to counter. Interfaces that a hotplug script has put
// anywhere else: a table in the netdev family, a chain for each, which goes with the interface. One
// read for all services. Touches no table of the operator's; the tables go when the meter does, and
// are taken over by the next start after a kill.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/vm/backend.hpp"

struct nft_ctx;

namespace summond::xen {

class Meter {
  public:
    Meter() = default;
    ~Meter();
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    // The services whose interfaces on bridges are counted.
    base::Result<void> set(const std::vector<config::Service>& services);
    // Counts what is sent into this interface of dom0's to the guest that has it. On error the
    // service is not read any more: nobody knows whether it is idle.
    base::Result<void> count_at(const std::string& interface, const std::string& mac,
                                config::ServiceId service);
    base::Result<std::vector<vm::Traffic>> read();

    // How often the service has been woken: shown by the next write_wakes, in a table of their own
    // that nothing reads but people and their tools. One counter for each reason, in which
    // nftables' packets are the wakes, and its bytes how long they took together in ms.
    void count_wakes(const config::Service& service, const vm::Wakes& wakes);
    base::Result<void> write_wakes();

  private:
    base::Result<std::string> run(const std::string& commands);

    nft_ctx* nft_ = nullptr;
    bool begun_ = false;
    bool bridge_table_ = false;
    bool netdev_table_ = false;
    std::set<config::ServiceId> uncounted_;
    std::map<config::ServiceId, std::string> wakes_;  // commands, not written yet
};

}  // namespace summond::xen
