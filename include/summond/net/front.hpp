// The whole of the front's network side: UDP workers, TCP, the services' states, and how they hang
// together. Lives on the thread of its io_context; the workers have threads of their own.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/config/config.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/fd_watch.hpp"
#include "summond/metrics/front_counters.hpp"
#include "summond/net/services.hpp"
#include "summond/net/signing.hpp"
#include "summond/net/tcp_server.hpp"
#include "summond/net/udp_worker.hpp"
#include "summond/zone/zone.hpp"

namespace summond::net {

class LimitReport;

class Front {
  public:
    // sockets: as bind_endpoint makes them, one endpoint after the other; perhaps not open yet. The
    // UDP sockets of each endpoint are dealt out to the workers in turn; there are at least as many
    // as workers. cookie_secret: for DNS cookies,
    // unless config has one. counters: null, nothing is counted. Nothing is received yet. io,
    // zones, clock and counters must outlive the front.
    static base::Result<std::unique_ptr<Front>> make(
        boost::asio::io_context& io, const config::Config& config, const zone::Zones& zones,
        std::vector<base::UniqueFd> sockets, const base::Clock& clock,
        const answer::CookieSecret& cookie_secret, metrics::FrontCounters* counters = nullptr);
    // Stops whatever is under way. io must not run any more.
    ~Front();

    // A new vmm, in place of the one before.
    void connect_vmm(ipc::Channel channel);
    // Starts the workers' threads and accepts connections. Once.
    base::Result<void> start();
    // Sockets that were not open are now.
    void resume() { tcp_.resume(); }
    // A client's connection from another front.
    void adopt(base::UniqueFd connection, std::span<const std::uint8_t> received = {}) {
        tcp_.adopt(std::move(connection), received);
    }
    // The role transfer, in place of the one before.
    void connect_transfer(ipc::Channel channel);
    // The role signer, likewise.
    void connect_signer(ipc::Channel channel);
    // Takes no new queries, then calls quiet; answers those that wait, then calls drained. Both are
    // called once, on the thread of io. hand_over: takes the connections, if there is one; those on
    // which something is under way are read from until then, quiet or not.
    void drain(std::function<void()> quiet, std::function<void()> drained,
               TcpServer::HandOver hand_over = {});

    std::size_t worker_count() const { return workers_.size(); }

  private:
    Front(boost::asio::io_context& io, const config::Config& config, const zone::Zones& zones,
          const base::Clock& clock, const answer::CookieSecret& cookie_secret,
          metrics::FrontCounters* counters);

    // Or there are new signatures.
    void on_services_changed();
    void schedule();
    void tick();
    void report_limits();
    void part_quiet();
    void part_drained();
    bool from_transfer(ipc::Received& message);
    void pass_later(std::size_t worker, const ipc::SignedQuery& query);

    boost::asio::io_context& io_;
    const base::Clock& clock_;
    const answer::Settings settings_;
    const std::unique_ptr<LimitReport> limit_report_;
    const std::unique_ptr<answer::Rules> rules_;  // null: no service has any
    Services services_;
    const std::unique_ptr<Signing> signing_;  // null: no zone has names that are signed when asked
    TcpServer tcp_;
    std::vector<base::UniqueFd> listeners_;  // until start
    std::vector<std::unique_ptr<UdpWorker>> workers_;
    std::vector<std::thread> threads_;
    ipc::Link transfer_;
    std::atomic<unsigned> passing_{0};  // queries on their way from workers to transfer_
    loop::FdWatch wanted_watch_;
    std::optional<loop::FdWatch> signatures_watch_;
    boost::asio::steady_timer services_timer_;
    boost::asio::steady_timer tick_timer_;
    std::uint64_t overflows_ = 0;  // reported so far
    std::size_t not_quiet_ = 0;
    std::size_t undrained_ = 0;
    std::function<void()> quiet_;
    std::function<void()> drained_;
};

}  // namespace summond::net
