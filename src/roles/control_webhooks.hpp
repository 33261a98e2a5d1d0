// control's end of the channel to the notifier: hands on what webhooks are told of, and knows how
// they stand. The notifier talks with receivers, so what it says is taken for hostile.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "summond/base/unique_fd.hpp"
#include "summond/control/model.hpp"
#include "summond/control/server.hpp"
#include "summond/ipc/link.hpp"
#include "summond/metrics/snapshot.hpp"
#include "summond/service/report.hpp"

namespace summond::roles {

class ControlWebhooks {
  public:
    explicit ControlWebhooks(boost::asio::io_context& io) : io_(io) {}

    // A new notifier, in place of the one before.
    void connect(base::UniqueFd fd);
    // A wake is over, or more is known of one. data: as /v1/wakes has it.
    void woke(const vm::WakeRecord& record, const boost::json::object& data);
    // A service stands differently. before: null if nothing was known. data: as /v1/services has
    // it.
    void stands(const service::Report* before, const service::Report& now, const std::string& name,
                const boost::json::object& data);

    // GET /v1/webhooks.
    boost::json::object json(control::Model::WallTime now) const;
    // POST /v1/webhooks/{webhook}/ping.
    void ping(const std::string& webhook, std::shared_ptr<control::Exchange> exchange);
    void fill(metrics::Snapshot& snapshot) const;

  private:
    static constexpr std::size_t most_waiting = 1000;  // that the notifier does not take yet
    static constexpr std::size_t most_webhooks = 1000;
    static constexpr std::size_t most_pings = 100;  // under way

    bool from_notifier(const ipc::Received& message);
    void pinged(const ipc::Pinged& answer);
    void tell(std::size_t event, const std::string& service, boost::json::object data);
    void flush();

    boost::asio::io_context& io_;
    ipc::Link link_;
    std::deque<ipc::Notice> waiting_;
    std::uint64_t last_number_ = 0;
    std::uint64_t dropped_ = 0;
    std::map<service::Id, std::uint64_t> last_wake_;  // the number of the last that was told
    std::vector<ipc::WebhookReport> reports_;
    std::uint64_t last_serial_ = 0;
    std::map<std::uint64_t, std::shared_ptr<control::Exchange>> pings_;
};

}  // namespace summond::roles
