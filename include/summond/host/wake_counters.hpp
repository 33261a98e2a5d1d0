// Shows people and their tools how often services have been woken, in a table of nftables of its
// own that nothing else reads: a counter for each service and reason, in which nftables' packets
// are the wakes, and its bytes how long they took together in ms. The table goes with this, and
// begins anew after a kill.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <string>

#include "summond/base/result.hpp"
#include "summond/host/nft.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::host {

class WakeCounters final : public vm::WakeCounters {
  public:
    explicit WakeCounters(boost::asio::io_context& io);
    ~WakeCounters() override;
    WakeCounters(const WakeCounters&) = delete;
    WakeCounters& operator=(const WakeCounters&) = delete;

    // Within a second, from io's loop: nftables takes its time.
    void show(const service::Instance& service, const vm::Wakes& wakes) override;
    // Now, what is not shown yet.
    base::Result<void> write();

  private:
    Nft nft_;
    boost::asio::steady_timer timer_;
    std::map<service::Id, std::string> unwritten_;  // commands
};

}  // namespace summond::host
