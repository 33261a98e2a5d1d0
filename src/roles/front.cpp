// The front role: answers DNS. Born with everything it needs, it gives up the rest before it reads
// the first packet or starts a thread. The main thread has TCP, timers and the channels to parent
// and vmm; each UDP worker has a thread (net/front.hpp).

#include "summond/net/front.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <utility>
#include <vector>

#include "own_counters.hpp"
#include "roles.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/log.hpp"
#include "summond/ipc/link.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/proc/spawn.hpp"
#include "summond/zone/zone.hpp"
#include "table.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;

// Clients that are still being served after that are cut off. Parked queries need park_time.
constexpr auto drain_limit = std::chrono::seconds(15);
// The same where somebody wants us gone.
constexpr auto terminate_limit = std::chrono::seconds(1);

// A large zone gets into huge pages one by one, so rarely that the answers that wait for one are
// fewer than one in a hundred.
constexpr auto huge_page_interval = std::chrono::milliseconds(500);

class FrontProcess {
  public:
    FrontProcess(asio::io_context& io, ipc::Channel control, const proc::Mapping& image)
        : io_(io),
          image_(image),
          huge_pages_(io),
          control_(io, std::move(control),
                   {[this](ipc::Received& message) { return handle(message); },
                    [this] {
                        spdlog::warn("the parent is gone; ending");
                        io_.stop();
                    }}),
          terminate_(io, SIGTERM),
          limit_(io) {
        terminate_.async_wait([this](const boost::system::error_code& error, int) {
            if (!error)
                drain(terminate_limit, false);
        });
    }

    base::Result<void> start(const config::Config& config, const zone::Zones& zones,
                             std::vector<base::UniqueFd> sockets,
                             const answer::CookieSecret& cookie_secret,
                             metrics::FrontCounters* counters) {
        auto made = net::Front::make(io_, config, zones, std::move(sockets), clock_, cookie_secret,
                                     counters);
        if (!made)
            return tl::make_unexpected(made.error());
        front_ = std::move(*made);
        control_.receive();  // vmm, if there is one, answers the first query, too
        if (draining_) {     // another one has been faster
            io_.stop();
            return {};
        }
        if (auto started = front_->start(); !started)
            return started;
        spdlog::info("serving; UDP workers: {}", front_->worker_count());
        use_huge_page(0);
        if (!control_.send(ipc::Ready{}))
            return base::error("the parent is gone");
        return {};
    }

  private:
    bool handle(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                return connect(message.as<ipc::Peer>().role, std::move(message.fd));
            case ipc::Type::opened:
                front_->resume();
                return true;
            case ipc::Type::drain:
                drain(drain_limit, message.as<ipc::Drain>().replaced != 0);
                return true;
            case ipc::Type::connection:
                front_->adopt(std::move(message.fd));
                return true;
            default:
                return false;
        }
    }

    bool connect(ipc::Role role, base::UniqueFd fd) {
        spdlog::info("connected to {}", ipc::to_string(role));
        ipc::Channel channel(std::move(fd), ipc::Role::front, role);
        if (role == ipc::Role::transfer)
            front_->connect_transfer(std::move(channel));
        else if (role == ipc::Role::signer)
            front_->connect_signer(std::move(channel));
        else
            front_->connect_vmm(std::move(channel));
        return true;
    }

    void use_huge_page(std::size_t index) {
        huge_pages_.expires_after(huge_page_interval);
        huge_pages_.async_wait([this, index](const boost::system::error_code& error) {
            if (!error && !draining_ && image_.use_huge_page(index))
                use_huge_page(index + 1);
        });
    }

    void drain(std::chrono::seconds limit, bool replaced) {
        limit_.expires_after(limit);
        limit_.async_wait([this](const boost::system::error_code& error) {
            if (!error)
                io_.stop();
        });
        if (std::exchange(draining_, true))
            return;
        net::TcpServer::HandOver hand_over;
        if (replaced)
            hand_over = [this](int fd) { return control_.send(ipc::Connection{}, fd); };
        front_->drain([this] { control_.send(ipc::Quiet{}); }, [this] { io_.stop(); },
                      std::move(hand_over));
    }

    asio::io_context& io_;
    const proc::Mapping& image_;
    asio::steady_timer huge_pages_;
    base::SteadyClock clock_;
    ipc::Link control_;
    asio::signal_set terminate_;
    asio::steady_timer limit_;
    std::unique_ptr<net::Front> front_;
    bool draining_ = false;
};

int failed(const std::string& what) {
    spdlog::critical("{}", what);
    return 1;
}

}  // namespace

int front_main(const Arguments& arguments, const Row& row) {
    ipc::Channel control(base::UniqueFd(control_fd), ipc::Role::front, ipc::Role::parent);
    std::vector<base::UniqueFd> sockets;
    for (int i = 0; i < arguments.sockets; ++i)
        sockets.emplace_back(first_socket_fd + i);

    const auto text = proc::read_memfd(config_fd);
    const auto loaded = config::parse_packed(text ? *text : std::string(), arguments.config);
    if (!loaded.config)
        return failed("no usable configuration from the parent");
    const config::Config& config = *loaded.config;
    const auto image = proc::Mapping::map(image_fd);
    if (!image)
        return failed("zone image: " + image.error().what);
    if (proc::in_background())  // another one answers, and there is time
        image->populate();
    const auto zones = zone::Zones::open(image->bytes());
    if (!zones)
        return failed("zone image: " + zones.error().what);

    const auto secret = proc::read_memfd(secret_fd);
    answer::CookieSecret cookie_secret;
    if (!secret || secret->size() != cookie_secret.size())
        return failed("no secret for DNS cookies from the parent");
    std::copy(secret->begin(), secret->end(), cookie_secret.begin());

    const auto counters = own_counters(arguments, sizeof(metrics::FrontCounters));
    if (!counters)
        return failed(counters.error().what);

    // From here on it is as urgent as it will be, and isolation takes the right to change that.
    if (const auto normal = proc::leave_background(); !normal)
        return failed(normal.error().what);

    asio::io_context io(1);
    FrontProcess process(io, std::move(control), *image);
    if (const auto isolated = row.isolate(arguments.user); !isolated)
        return failed("cannot isolate: " + isolated.error().what);
    if (const auto started = process.start(config, *zones, std::move(sockets), cookie_secret,
                                           counters->as<metrics::FrontCounters>());
        !started)
        return failed(started.error().what);
    io.run();
    spdlog::info("ended");
    // Others answer now, and the memory of a large zone takes its time to go back.
    proc::enter_background();
    // The parent may still ask for what is happening: Asio's handler goes with `process`.
    sigset_t terminate;
    ::sigemptyset(&terminate);
    ::sigaddset(&terminate, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &terminate, nullptr);
    return 0;
}

}  // namespace summond::roles
