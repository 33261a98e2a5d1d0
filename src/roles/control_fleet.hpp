// control's end of the channel to fleet: knows which hosts there are. fleet talks with etcd, so
// what it says is taken for hostile.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "summond/base/unique_fd.hpp"
#include "summond/control/model.hpp"
#include "summond/ipc/link.hpp"
#include "summond/metrics/snapshot.hpp"

namespace summond::roles {

class ControlFleet {
  public:
    explicit ControlFleet(boost::asio::io_context& io) : io_(io) {}

    // A new fleet, in place of the one before.
    void connect(base::UniqueFd fd);
    // How this host is, for the others.
    void health(bool drained, bool pressure);

    // GET /v1/hosts.
    boost::json::object json(control::Model::WallTime now) const;
    void fill(metrics::Snapshot& snapshot) const;

  private:
    static constexpr std::size_t most_hosts = 1000;

    bool from_fleet(const ipc::Received& message);
    bool learn(const ipc::FleetHost& host);

    boost::asio::io_context& io_;
    ipc::Link link_;
    ipc::FleetHealth health_{};
    ipc::FleetReport report_{};
    std::map<std::string, ipc::FleetHost> hosts_;
};

}  // namespace summond::roles
