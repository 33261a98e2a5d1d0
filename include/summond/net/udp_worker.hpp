// One UDP worker: a thread with sockets of its own (SO_REUSEPORT), which receives queries and sends
// answers in batches and keeps the queries that wait for a service. Nothing on the warm path
// allocates, locks, logs or makes a system call beyond the batch.
//
// A worker belongs to its thread; only signal(), drain() and stop() may be called from others.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "summond/answer/answer.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/ipc/messages.hpp"
#include "summond/metrics/front_counters.hpp"
#include "summond/net/rate_limiter.hpp"
#include "summond/net/services.hpp"
#include "summond/net/signing.hpp"
#include "summond/zone/zone.hpp"

namespace summond::net {

class ParkedQueries;

// On cache lines of its own: workers share nothing that one of them writes often.
class alignas(64) UdpWorker {
  public:
    // sockets: bound, as made by bind_endpoint. limiter: none, nobody is limited. All references,
    // and the counters, must outlive the worker.
    static base::Result<std::unique_ptr<UdpWorker>> make(
        std::vector<base::UniqueFd> sockets, const zone::Zones& zones, Services& services,
        const base::Clock& clock, const answer::Settings& settings = answer::default_settings,
        std::unique_ptr<RateLimiter> limiter = nullptr, metrics::ThreadCounters counters = {});
    ~UdpWorker();

    // Takes queries for the role transfer, on the worker's thread; before run. None: they are
    // dropped. `way` leads back to the client, by answer_passed.
    using Pass = std::function<void(const ipc::SignedQuery&)>;
    void on_pass(Pass pass) { pass_ = std::move(pass); }
    // The answer to one of them; any thread. False: it is none.
    bool answer_passed(const ipc::SignedAnswer& answer) const;

    // Who signs names of zones that have such as are signed when asked for; before run. It outlives
    // the worker.
    void sign_by(Signing& signing);

    // Until stop(), or until nothing is left to do after drain(). Calls quiet when nothing is
    // received any more after drain().
    void run(const std::function<void()>& quiet);
    // One round: waits for at most timeout_ms (-1: without limit) and handles what has come.
    // False when run() would end.
    bool step(int timeout_ms);

    // A service's availability has changed, or there are new signatures.
    void signal() noexcept;
    // Receive no more (the sockets' queues go to the next front, which shares them); answer those
    // who wait.
    void drain() noexcept;
    void stop() noexcept;

    // Queries dropped because too many waited; any thread.
    std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }
    // For what other threads may ask of it; may be null.
    RateLimiter* limiter() const { return limiter_.get(); }

  private:
    struct Batch;
    UdpWorker(const zone::Zones& zones, Services& services, const base::Clock& clock,
              const answer::Settings& settings, std::unique_ptr<RateLimiter> limiter,
              metrics::ThreadCounters counters);

    void look_at_clock();
    void receive(std::uint32_t socket);
    void resolve_group(std::uint32_t socket, unsigned first, unsigned count, unsigned& answers);
    std::uint32_t limited(std::span<const std::uint8_t> query, std::span<std::uint8_t> out,
                          answer::Decision& decision);
    void send(int fd, unsigned count);
    struct Waits;
    void park(std::uint32_t socket, unsigned slot, std::span<const std::uint8_t> query,
              const dns::Query& asked, const Waits& waits);
    std::uint32_t sign(std::uint32_t socket, unsigned slot, std::span<const std::uint8_t> query,
                       const dns::Query& asked, std::span<std::uint8_t> out,
                       answer::Decision& decision);
    bool is_there_yet(std::size_t parked) const;
    bool park_again(std::size_t parked, const answer::Decision& decision);
    void pass(std::uint32_t socket, unsigned slot, std::span<const std::uint8_t> query);
    void count_received(unsigned count);
    void count_query(const dns::Query& query, const answer::Decision& decision,
                     std::span<const std::uint8_t> answer);
    void count_parked();
    void resolve_parked();
    void expire_parked();
    void answer_parked(std::size_t parked, answer::Decision& decision);
    void on_signal();
    bool receiving() const { return watched_.size() > 1; }
    int timeout(int limit_ms) const;

    Services& services_;
    Signing* signing_ = nullptr;
    const base::Clock& clock_;
    answer::Context context_;
    std::unique_ptr<RateLimiter> limiter_;
    base::TimePoint now_{};  // for the limiter
    std::vector<base::UniqueFd> sockets_;
    std::unique_ptr<Batch> batch_;
    std::unique_ptr<ParkedQueries> parked_;
    Pass pass_;
    base::UniqueFd signal_;
    // signal_, then the sockets. Polled: in an epoll set, each answer that leaves would cost a call
    // of the set's wake-up function, which the kernel makes whenever a socket becomes more
    // writable.
    std::vector<pollfd> watched_;
    std::atomic<bool> draining_{false};
    std::atomic<bool> stopped_{false};
    std::atomic<std::uint64_t> overflows_{0};
    metrics::ThreadCounters counters_;
};

}  // namespace summond::net
