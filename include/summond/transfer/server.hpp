// Clients over TCP that want whole zones. They come from the front, each with the first of its
// messages; with the first one that is not ours (is_ours) a client goes back there. Runs on the
// thread of its io_context.
//
// What a client can use up is bounded: connections in total and by address, the time that a query
// may take to arrive and a message to be taken; of each transfer there is one message in memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/transfer/responder.hpp"

namespace summond::transfer {

struct ServerLimits {
    // Beyond them, the connection that has been idle longest makes room; if none is idle, the new
    // one is closed.
    std::size_t connections = 128;
    std::size_t of_one_address = 64;
    base::Duration idle = std::chrono::seconds(10);     // without a query
    base::Duration stalled = std::chrono::seconds(30);  // a message is not taken
    base::Duration total = std::chrono::hours(1);  // one transfer; it keeps its zones in memory
};

class Server {
  public:
    // A connection that is given back to the front, and what has been received on it; false: it is
    // not taken.
    using HandBack = std::function<bool(int connection, std::span<const std::uint8_t> received)>;

    // io must not run handlers any more when the server is destroyed.
    Server(boost::asio::io_context& io, const base::Clock& clock, metrics::TransferCount& count,
           HandBack hand_back, const ServerLimits& limits = {});
    ~Server();

    // From now on; transfers that are under way keep the zones that they began with.
    void serve(ServingPtr serving) { serving_ = std::move(serving); }
    void take(base::UniqueFd connection, std::span<const std::uint8_t> received);
    // Ends what has taken too long. Call about once a second.
    void tick();

    std::size_t connections() const { return sessions_.size(); }

  private:
    class Session;
    using Sessions = std::list<std::shared_ptr<Session>>;
    bool make_room(const base::IpAddress* of);

    boost::asio::io_context& io_;
    const base::Clock& clock_;
    metrics::TransferCount& count_;
    const HandBack hand_back_;
    const ServerLimits limits_;
    ServingPtr serving_;
    Sessions sessions_;  // the one that moved on last is at the end
};

}  // namespace summond::transfer
