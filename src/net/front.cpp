#include "summond/net/front.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/random.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <system_error>

#include "limit_report.hpp"
#include "summond/base/log.hpp"
#include "summond/net/bind.hpp"
#include "summond/net/rules.hpp"

namespace summond::net {
namespace {

std::vector<Services::Setting> settings(const config::Config& config, const zone::Zones& zones) {
    std::map<service::Id, Services::Setting> of_service;
    for (const service::Template& service : config.services) {
        auto& setting =
            of_service[service.id] = {service.id, service.answer, {}, service.wake_packet};
        setting.by_proof = service.wake_by_proof;
        if (service.pattern)
            setting.name = service.name;
        if (!service.wake_dns)
            setting.wakers.emplace();
        else if (!service.wake_query_from.empty())
            setting.wakers = answer::Wakers{service.wake_query_from};
    }
    std::vector<Services::Setting> result;
    std::map<service::Id, std::uint32_t> number_of;
    for (std::uint32_t i = 0; i < zones.service_count(); ++i) {
        result.push_back(of_service[zones.service_id(i)]);
        number_of.emplace(zones.service_id(i), i);
    }
    for (const service::Template& service : config.services) {
        if (!service.replicas)
            continue;
        auto& replicas = result.at(number_of.at(service.replicas->of)).replicas;
        if (!replicas)
            replicas.emplace().answers = service.replicas->answers;
        auto& one = replicas->all.emplace_back();
        one.service = number_of.at(service.id);
        if (!service.ipv4.empty())
            one.ipv4 = service.ipv4.front();
        if (!service.ipv6.empty())
            one.ipv6 = service.ipv6.front();
    }
    return result;
}

std::unique_ptr<Signing> make_signing(const config::Config& config, const zone::Zones& zones,
                                      const base::Clock& clock, std::function<void()> made,
                                      metrics::FrontCounters* counters) {
    if (zones.header().compact_count == 0)
        return nullptr;
    std::array<std::uint8_t, 16> seed;
    if (::getrandom(seed.data(), seed.size(), 0) != ssize_t{seed.size()})
        throw std::system_error(errno, std::generic_category(), "getrandom");
    return std::make_unique<Signing>(
        answer::Signatures::Limits{config.signing.cached, config.signing.per_second}, seed, clock,
        std::move(made), counters == nullptr ? nullptr : &counters->tcp);
}

answer::Settings answer_settings(const config::Config& config,
                                 const answer::CookieSecret& cookie_secret) {
    answer::Settings settings{config.server.version, config.server.identity, std::nullopt};
    if (config.cookies.enabled)
        settings.cookie_secret = config.cookies.secret.value_or(cookie_secret);
    return settings;
}

TcpLimits tcp_limits(const config::Tcp& settings) {
    TcpLimits limits;
    limits.connections = settings.connections;
    limits.connections_per_source = settings.per_source;
    limits.idle = settings.idle;
    limits.exempt = settings.exempt;
    return limits;
}

metrics::ThreadCounters tcp_counters(metrics::FrontCounters* counters) {
    if (counters == nullptr)
        return {};
    return {&counters->tcp, &counters->now.tcp_parked, &counters->now.tcp_sessions};
}

static_assert(metrics::max_udp_workers >= config::max_workers);

metrics::ThreadCounters udp_counters(metrics::FrontCounters* counters, std::size_t worker) {
    if (counters == nullptr)
        return {};
    return {&counters->udp[worker], &counters->now.udp_parked[worker]};
}

base::Result<std::unique_ptr<RateLimiter>> make_limiter(const config::RateLimit& settings,
                                                        std::size_t workers) {
    if (!settings.enabled)
        return nullptr;
    RateLimiter::Seed seed;
    if (::getrandom(seed.data(), sizeof seed, 0) != ssize_t{sizeof seed})
        return base::system_error("getrandom", errno);
    return std::make_unique<RateLimiter>(settings, static_cast<unsigned>(workers), seed);
}

}  // namespace

Front::Front(boost::asio::io_context& io, const config::Config& config, const zone::Zones& zones,
             const base::Clock& clock, const answer::CookieSecret& cookie_secret,
             metrics::FrontCounters* counters)
    : io_(io),
      clock_(clock),
      settings_(answer_settings(config, cookie_secret)),
      limit_report_(std::make_unique<LimitReport>(clock)),
      rules_(make_rules(config, zones, service::max_instances)),
      services_(
          settings(config, zones), clock, [this] { on_services_changed(); }, [this] { schedule(); },
          rules_.get()),
      signing_(make_signing(
          config, zones, clock, [this] { on_services_changed(); }, counters)),
      tcp_(io, zones, services_, clock, tcp_limits(config.tcp), settings_, tcp_counters(counters)),
      wanted_watch_(io, services_.wanted_fd(),
                    [this] {
                        services_.take_wanted();
                        schedule();
                    }),
      services_timer_(io),
      tick_timer_(io) {
    if (!signing_)
        return;
    tcp_.sign_by(*signing_);
    signatures_watch_.emplace(io, signing_->wanted_fd(), [this] { signing_->take_wanted(); });
}

Front::~Front() {
    for (const auto& worker : workers_)
        worker->stop();
    for (std::thread& thread : threads_)
        thread.join();
}

base::Result<std::unique_ptr<Front>> Front::make(
    boost::asio::io_context& io, const config::Config& config, const zone::Zones& zones,
    std::vector<base::UniqueFd> sockets, const base::Clock& clock,
    const answer::CookieSecret& cookie_secret, metrics::FrontCounters* counters) {
    std::unique_ptr<Front> front(new Front(io, config, zones, clock, cookie_secret, counters));
    std::size_t udp_sockets = 0;  // of this endpoint, so far
    std::vector<std::vector<base::UniqueFd>> of_worker(udp_worker_count(config));
    for (base::UniqueFd& socket : sockets) {
        const auto info = describe(socket.get());
        if (!info)
            return tl::make_unexpected(info.error());
        if (info->kind == SocketInfo::Kind::tcp_listener) {
            front->listeners_.push_back(std::move(socket));
            udp_sockets = 0;
            continue;
        }
        of_worker[udp_sockets++ % of_worker.size()].push_back(std::move(socket));
    }
    for (auto& worker_sockets : of_worker) {
        auto limiter = make_limiter(config.rate_limit, of_worker.size());
        if (!limiter)
            return tl::make_unexpected(limiter.error());
        auto worker = UdpWorker::make(std::move(worker_sockets), zones, front->services_, clock,
                                      front->settings_, std::move(*limiter),
                                      udp_counters(counters, front->workers_.size()));
        if (!worker)
            return tl::make_unexpected(worker.error());
        if (front->signing_)
            (*worker)->sign_by(*front->signing_);
        (*worker)->on_pass([front = front.get(), index = front->workers_.size()](
                               const ipc::SignedQuery& query) { front->pass_later(index, query); });
        front->workers_.push_back(std::move(*worker));
    }
    return front;
}

base::Result<void> Front::start() {
    for (base::UniqueFd& listener : listeners_) {
        if (auto r = tcp_.listen(std::move(listener)); !r)
            return r;
    }
    listeners_.clear();

    // Signals are for the main thread.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    for (const auto& worker : workers_) {
        threads_.emplace_back([this, &worker = *worker] {
            // Ends after drain, or with the front.
            worker.run([this] { boost::asio::post(io_, [this] { part_quiet(); }); });
            boost::asio::post(io_, [this] { part_drained(); });
        });
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    tick();
    return {};
}

void Front::connect_vmm(ipc::Channel channel) {
    services_.connect(io_, std::move(channel));
    schedule();
}

void Front::connect_signer(ipc::Channel channel) {
    if (signing_)
        signing_->connect(io_, std::move(channel));
}

void Front::connect_transfer(ipc::Channel channel) {
    transfer_ = ipc::Link(io_, std::move(channel),
                          {[this](ipc::Received& message) { return from_transfer(message); },
                           [] { spdlog::warn("the connection to transfer is gone"); }});
    tcp_.on_pass([this](int connection, std::span<const std::uint8_t> received) {
        ipc::Passed message{};
        if (received.size() > sizeof message.octets)
            return false;
        message.size = static_cast<std::uint32_t>(received.size());
        std::ranges::copy(received, message.octets);
        return transfer_.send(message, connection);
    });
}

// On a worker's thread.
void Front::pass_later(std::size_t worker, const ipc::SignedQuery& query) {
    constexpr unsigned most = 256;
    if (passing_.fetch_add(1, std::memory_order_relaxed) >= most) {
        passing_.fetch_sub(1, std::memory_order_relaxed);
        return;  // they ask again
    }
    boost::asio::post(io_, [this, worker, passed = ipc::SignedQuery(query)]() mutable {
        passing_.fetch_sub(1, std::memory_order_relaxed);
        passed.worker = static_cast<std::uint32_t>(worker);
        transfer_.send(passed);
    });
}

bool Front::from_transfer(ipc::Received& message) {
    if (message.type == ipc::Type::passed) {
        const auto passed = message.as<ipc::Passed>();
        if (passed.size > sizeof passed.octets)
            return false;
        tcp_.adopt(std::move(message.fd), std::span(passed.octets).first(passed.size));
        return true;
    }
    if (message.type != ipc::Type::signed_answer)
        return false;
    const auto answer = message.as<ipc::SignedAnswer>();
    return answer.worker < workers_.size() && workers_[answer.worker]->answer_passed(answer);
}

void Front::on_services_changed() {
    for (const auto& worker : workers_)
        worker->signal();
    tcp_.signal();
}

// Sets the timer to what the services wait for next.
void Front::schedule() {
    const auto next = services_.next_timer();
    if (!next) {
        services_timer_.cancel();
        return;
    }
    services_timer_.expires_after(*next - clock_.now());
    services_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        services_.run_timers();
        schedule();
    });
}

void Front::tick() {
    services_.send_touches();
    services_.release_quiet();
    tcp_.tick();
    if (signing_)
        signing_->tick();
    std::uint64_t overflows = 0;
    for (const auto& worker : workers_)
        overflows += worker->overflows();
    if (overflows > overflows_)
        spdlog::warn("too many queries wait for services: {} dropped", overflows - overflows_);
    overflows_ = overflows;
    report_limits();
    tick_timer_.expires_after(std::chrono::seconds(1));
    tick_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error)
            tick();
    });
}

void Front::report_limits() {
    std::vector<RateLimiter*> limiters;
    for (const auto& worker : workers_) {
        if (worker->limiter() != nullptr)
            limiters.push_back(worker->limiter());
    }
    if (const auto line = limit_report_->look(limiters))
        spdlog::log(limit_report_->limiting() ? spdlog::level::warn : spdlog::level::info, "{}",
                    *line);
}

void Front::drain(std::function<void()> quiet, std::function<void()> drained,
                  TcpServer::HandOver hand_over) {
    quiet_ = std::move(quiet);
    drained_ = std::move(drained);
    not_quiet_ = workers_.size() + 1;
    undrained_ = workers_.size() + 2;  // and not before it is quiet
    for (const auto& worker : workers_)
        worker->drain();
    tcp_.drain([this] { part_drained(); }, std::move(hand_over));
    // Idle connections are read from until Asio has said that they are not, which it does before.
    boost::asio::post(io_, [this] { part_quiet(); });
}

void Front::part_quiet() {
    if (--not_quiet_ > 0)
        return;
    quiet_();
    part_drained();
}

void Front::part_drained() {
    if (--undrained_ > 0)
        return;
    services_.send_touches();  // of the last second
    drained_();
}

}  // namespace summond::net
