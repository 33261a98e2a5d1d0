// The role fleet: this host's membership in etcd, and which other hosts there are, for control. It
// talks with etcd, in which others write, so it is isolated as the notifier is. Nobody else speaks
// to etcd, nor has its password. One thread, but for those in which names are looked up. If it
// dies, the next one takes over its key; names and domains do not depend on it.

#include <fmt/format.h>
#include <netdb.h>
#include <nss.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "message_text.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/base/random.hpp"
#include "summond/fleet/http_transport.hpp"
#include "summond/fleet/membership.hpp"
#include "summond/fleet/settings.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/proc/memfd.hpp"
#include "table.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
using fleet::Membership;

// For the goodbye; the row in table.cpp gives a little more.
constexpr std::chrono::seconds leave_within{3};

constexpr unsigned resolver_threads = 2;  // a slow name server keeps one at a time

ipc::FleetHost message_of(const std::string& name, const fleet::Host& host) {
    ipc::FleetHost message{};
    message.drained = host.drained ? 1 : 0;
    message.pressure = host.pressure ? 1 : 0;
    copy(name, message.name);
    copy(host.location, message.location);
    static_assert(ipc::FleetHost::most_networks >= fleet::most_networks);
    for (const base::IpPrefix& network : host.networks) {
        auto& to = message.networks[message.networks_count++];
        const auto bytes = network.address.bytes();
        to.address.size = static_cast<std::uint8_t>(bytes.size());
        std::ranges::copy(bytes, std::begin(to.address.bytes));
        to.length = static_cast<std::uint8_t>(network.length);
    }
    return message;
}

class Fleet {
  public:
    Fleet(asio::io_context& io, ipc::Channel parent)
        : io_(io),
          parent_(io, std::move(parent),
                  {[this](ipc::Received& message) { return from_parent(message); },
                   [this] {
                       spdlog::warn("the parent is gone; ending");
                       io_.stop();
                   }}) {}

    ~Fleet() { resolvers_.stop(); }
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    bool start(std::optional<fleet::Settings> settings) {
        configure(std::move(settings));
        parent_.receive();
        return parent_.send(ipc::Ready{});
    }

  private:
    // The membership asks by the transport, so that outlives it.
    struct Member {
        Member(Fleet& owner, const fleet::Settings& settings)
            : transport(owner.io_, owner.resolvers_, settings.config, SUMMOND_VERSION,
                        [&owner] { owner.arm(); }),
              membership(settings, owner.incarnation_, owner.clock_,
                         [&owner] { return owner.chance_(owner.random_); }, transport,
                         {[&owner](const std::string& name, const fleet::Host& host) {
                              owner.changed(name, &host);
                          },
                          [&owner](const std::string& name) { owner.changed(name, nullptr); },
                          [&owner] { owner.report(); }}) {}

        fleet::HttpTransport transport;
        Membership membership;
    };

    // -- Its life

    void configure(std::optional<fleet::Settings> settings) {
        if (!leaving_ && member_ && settings && member_->membership.change(*settings))
            return arm();
        next_ = std::move(settings);
        if (member_)
            leave();
        else
            join();
    }

    void join() {
        member_.reset();
        if (next_) {
            member_ = std::make_unique<Member>(*this, *next_);
            next_.reset();
            member_->membership.health(health_.drained != 0, health_.pressure != 0);
            member_->membership.start();
        }
        tell_all();
        arm();
    }

    void leave() {
        if (std::exchange(leaving_, true))
            return;
        member_->membership.leave(leave_within, [this] {
            asio::post(io_, [this] {  // not within the membership, which ends now
                leaving_ = false;
                if (stopping_)
                    io_.stop();
                else
                    join();
            });
        });
        arm();
    }

    void stop() {
        stopping_ = true;
        if (member_)
            leave();
        else
            io_.stop();
    }

    void arm() { timer_.set(member_ ? member_->membership.due() : std::nullopt); }

    bool from_parent(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                control_ = ipc::Link(
                    io_, ipc::Channel(std::move(message.fd), ipc::Role::fleet, ipc::Role::control),
                    {[this](const ipc::Received& from) { return from_control(from); }, [] {},
                     [this] { tell(); }});
                tell_all();
                return true;
            case ipc::Type::reload: {
                const auto text = proc::read_memfd(message.fd.get());
                auto settings = fleet::unpack(text ? *text : std::string());
                if (settings)
                    configure(std::move(*settings));
                else
                    spdlog::error("the parent sent settings that do not load; kept the old ones");
                return true;
            }
            case ipc::Type::retire:
                return true;
            case ipc::Type::stop:
                stop();
                return true;
            default:
                return false;
        }
    }

    bool from_control(const ipc::Received& message) {
        if (message.type != ipc::Type::fleet_health)
            return false;
        health_ = message.as<ipc::FleetHealth>();
        if (member_ && !leaving_)
            member_->membership.health(health_.drained != 0, health_.pressure != 0);
        return true;
    }

    // -- What control is told

    // host: null: it is gone.
    void changed(const std::string& name, const fleet::Host* host) {
        if (told_to_) {
            if (name <= *told_to_)
                tell_all();
            return;  // else it is still to come
        }
        ipc::FleetHost message = host == nullptr ? ipc::FleetHost{} : message_of(name, *host);
        if (host == nullptr) {
            message.gone = 1;
            copy(name, message.name);
        }
        if (!control_.is_open() || !control_.send(message))
            tell_all();
    }

    void report() {
        report_due_ = true;
        tell();
    }

    void tell_all() {
        anew_ = report_due_ = true;
        told_to_ = std::string();
        tell();
    }

    // What control does not take now, it is told when it does.
    void tell() {
        if (!control_.is_open() || control_.is_full())
            return;
        if (report_due_ && !control_.send(message_of_status()))
            return;
        report_due_ = anew_ = false;
        if (!told_to_)
            return;
        if (member_ && !leaving_) {
            const auto& hosts = member_->membership.hosts();
            for (auto at = hosts.upper_bound(*told_to_); at != hosts.end(); ++at) {
                if (!control_.send(message_of(at->first, at->second)))
                    return;
                told_to_ = at->first;
            }
        }
        told_to_.reset();
    }

    ipc::FleetReport message_of_status() const {
        ipc::FleetReport report{};
        report.anew = anew_ ? 1 : 0;
        if (!member_ || leaving_)
            return report;
        const fleet::Status& status = member_->membership.status();
        report.configured = 1;
        report.connected = status.connected ? 1 : 0;
        report.joined = status.joined ? 1 : 0;
        report.refused = status.refused ? 1 : 0;
        report.ignored = status.ignored;
        copy(member_->membership.settings().config.name, report.name);
        copy(status.server, report.server);
        copy(status.why, report.what);
        return report;
    }

    base::SteadyClock clock_;
    std::mt19937_64 random_{base::random_bits()};
    std::uniform_real_distribution<double> chance_{0, 1};
    const std::string incarnation_ = fmt::format("{:016x}", base::random_bits());
    asio::io_context& io_;
    ipc::Link parent_;
    ipc::Link control_;
    ipc::FleetHealth health_{};
    // Of a resend: up to which host; none: control knows all, and is told of changes.
    std::optional<std::string> told_to_;
    bool anew_ = false;
    bool report_due_ = false;
    std::optional<fleet::Settings> next_;
    bool leaving_ = false;
    bool stopping_ = false;
    asio::thread_pool resolvers_{resolver_threads};
    std::unique_ptr<Member> member_;
    loop::DeadlineTimer timer_{io_, [this] {
                                   if (member_)
                                       member_->membership.tick();
                                   arm();
                               }};
};

}  // namespace

int fleet_main(const Arguments& arguments, const Row& row) {
    const auto not_started = [](const std::string& what) {
        spdlog::critical("{}", what);
        return exit_failed;
    };
    ipc::Channel parent(base::UniqueFd(control_fd), ipc::Role::fleet, ipc::Role::parent);
    const auto text = proc::read_memfd(config_fd);
    auto settings = fleet::unpack(text ? *text : std::string());
    if (!settings)
        return not_started("no usable settings from the parent");
    // By what is in the C library itself: other name services would be loaded, as code.
    ::__nss_configure_lookup("hosts", "files dns");
    if (const auto isolated = row.isolate(arguments.user); !isolated)
        return not_started("cannot isolate: " + isolated.error().what);
    asio::io_context io(1);
    Fleet process(io, std::move(parent));
    if (!process.start(std::move(*settings)))
        return not_started("the parent is gone");
    io.run();
    return 0;
}

}  // namespace summond::roles
