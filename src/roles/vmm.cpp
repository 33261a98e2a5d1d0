// The vmm role: owns Xen. One thread, one loop: libxl's events, the channels to fronts and wire,
// the parent's channel and one timer. Listens on nothing and parses no DNS.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "own_counters.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "summond/host/bridge_ports.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/store/ledger.hpp"
#include "summond/vm/manager.hpp"
#include "summond/vm/simulated_hypervisor.hpp"
#include "summond/xen/hypervisor.hpp"
#include "vmm_control_link.hpp"
#include "vmm_front_link.hpp"
#include "vmm_wake_count.hpp"
#include "vmm_wire_link.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;

// Plain services: one instance each.
std::vector<service::Instance> instances_of(const config::Config& config) {
    std::vector<service::Instance> plain;
    for (const service::Template& service : config.services)
        if (!service.pattern)
            plain.emplace_back(service);
    return plain;
}

vm::Manager::Patterns patterns_of(const config::Config& config) {
    vm::Manager::Patterns patterns;
    for (const service::Template& service : config.services)
        if (service.pattern)
            patterns.push_back(std::make_shared<const service::Template>(service));
    return patterns;
}

class Vmm {
  public:
    // ports: none where there is no network that packets could come from. counters: as of
    // WakeCount.
    Vmm(asio::io_context& io, std::string config_file, ipc::Channel parent,
        vm::Hypervisor& hypervisor, std::unique_ptr<host::BridgePorts> ports, vm::Ledger& ledger,
        metrics::VmmCounters* counters)
        : io_(io),
          config_file_(std::move(config_file)),
          parent_(io, std::move(parent),
                  {[this](ipc::Received& message) { return handle(message); },
                   [this] {
                       spdlog::warn("the parent is gone; leaving the domains to the next start");
                       manager_.stop([this] { io_.stop(); });
                       arm();
                   }}),
          timer_(io,
                 [this] {
                     manager_.tick();
                     if (control_)
                         control_->look();
                     arm();
                 }),
          hypervisor_(hypervisor),
          manager_(
              hypervisor, clock_, wall_clock_,
              [this](const service::Status& status) { changed(status); }, ledger),
          ports_(std::move(ports)),
          wake_count_(counters) {
        manager_.on_wake([this](vm::WakeRecord record) {
            const service::Id as = manager_.configured_as(record.service);
            wake_count_.told(record, as);
            record.service = as;
            if (control_)
                control_->woke(record);
        });
        manager_.on_pressure([this] {
            for (FrontLink& front : fronts_)
                front.pressure_changed();
            if (wire_)
                wire_->tell_pressure();
            if (control_)
                control_->pressure_changed();
        });
        manager_.on_load([this](const vm::Manager::Load& load) {
            for (FrontLink& front : fronts_)
                front.measured(load);
        });
        // On the store's thread; this one's loop outlives it.
        ledger.on_leased([this, &io](std::uint64_t number) {
            asio::post(io, [this, number] {
                manager_.leases_kept(number);
                if (control_)
                    control_->look();
                arm();
            });
        });
        manager_.on_instance([this](const service::Instance& instance, bool is_there) {
            if (wire_ && is_there)
                wire_->add(instance);
            else if (wire_)
                wire_->remove(instance);
            if (is_there)
                return;
            wake_count_.forget(instance.id());
            for (FrontLink& front : fronts_)
                front.forget(instance.id());
        });
    }

    base::Result<void> start(const config::Config& config) {
        services_ = instances_of(config);
        state_ = config.state;
        hypervisor_.snapshots().use(config.save_dir);
        hypervisor_.keep_for_dom0(config.limits.dom0_memory_kib);
        patterns_ = patterns_of(config);
        manager_.configure(services_, config.limits, patterns_);
        manager_.retire_others();
        if (const auto r = manager_.adopt(); !r)
            return r;
        arm();
        if (!parent_.send(ipc::Ready{}))
            return base::system_error("cannot reach the parent", errno);
        return {};
    }

  private:
    bool handle(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                connect(message.as<ipc::Peer>().role, std::move(message.fd));
                break;
            case ipc::Type::reload:
                reload(message.fd.get());
                break;
            case ipc::Type::retire:
                manager_.retire_others();
                break;
            case ipc::Type::stop:
                spdlog::info("stopping");
                manager_.stop([this] { io_.stop(); });
                break;
            default:
                return false;
        }
        arm();
        return true;
    }

    void connect(ipc::Role role, base::UniqueFd fd) {
        ipc::Channel channel(std::move(fd), ipc::Role::vmm, role);
        if (role == ipc::Role::front) {
            fronts_.emplace_back(io_, std::move(channel), manager_, [this](FrontLink* link) {
                fronts_.remove_if([link](const FrontLink& l) { return &l == link; });
            });
            return;
        }
        if (role == ipc::Role::control) {
            control_.reset();
            control_ = std::make_unique<ControlLink>(
                io_, std::move(channel), manager_, [this] { arm(); }, [this] { control_.reset(); });
            return;
        }
        wire_.reset();
        if (ports_)
            wire_ =
                std::make_unique<WireLink>(io_, std::move(channel), manager_, *ports_,
                                           all_services(), patterns_, [this] { wire_.reset(); });
    }

    std::vector<service::Instance> all_services() const {
        std::vector<service::Instance> all = services_;
        const auto instances = manager_.instances();
        all.insert(all.end(), instances.begin(), instances.end());
        return all;
    }

    void reload(int fd) {
        const auto text = proc::read_memfd(fd);
        const auto loaded = config::parse_packed(text ? *text : std::string(), config_file_);
        if (!loaded.config) {
            spdlog::error("the parent sent a configuration that does not load; kept the old one");
            return;
        }
        if (loaded.config->state != state_)
            spdlog::warn("`state` has changed; that takes effect when summond is started again");
        hypervisor_.snapshots().use(loaded.config->save_dir);
        hypervisor_.keep_for_dom0(loaded.config->limits.dom0_memory_kib);
        services_ = instances_of(*loaded.config);
        patterns_ = patterns_of(*loaded.config);
        manager_.configure(services_, loaded.config->limits, patterns_);
        if (wire_)
            wire_->configure(all_services(), patterns_);
        for (FrontLink& front : fronts_)
            for (const service::Status& status : manager_.statuses())
                front.changed(status);
        if (control_)
            control_->changed_all();
    }

    void changed(const service::Status& status) {
        // In this order, so that a client's packets go where its answer says.
        if (wire_)
            wire_->changed(status);
        for (FrontLink& front : fronts_)
            front.changed(status);
        if (control_)
            control_->changed(status.service);
        // Deadlines have moved; once the event that moved them is done.
        if (!std::exchange(arm_posted_, true))
            asio::post(io_, [this] {
                arm_posted_ = false;
                arm();
            });
    }

    void arm() { timer_.set(manager_.next_deadline()); }

    asio::io_context& io_;
    std::string config_file_;
    ipc::Link parent_;
    loop::DeadlineTimer timer_;
    base::SteadyClock clock_;
    base::SystemClock wall_clock_;
    std::optional<std::string> state_;  // as at the start
    vm::Hypervisor& hypervisor_;
    vm::Manager manager_;
    std::list<FrontLink> fronts_;
    std::vector<service::Instance> services_;
    vm::Manager::Patterns patterns_;
    std::unique_ptr<host::BridgePorts> ports_;
    std::unique_ptr<WireLink> wire_;
    std::unique_ptr<ControlLink> control_;
    WakeCount wake_count_;
    bool arm_posted_ = false;
};

// One vmm a host: two would fight over the same domains. Held until the process ends. A vmm whose
// parent was killed may still be finishing, so this waits for a while.
base::Result<base::UniqueFd> lock_host() {
    constexpr char path[] = "/run/summond-vmm.lock";
    base::UniqueFd lock(::open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock)
        return base::system_error(path, errno);
    for (int tries = 0; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
        if (tries == 100)
            return base::error("another summond runs on this host (it holds " + std::string(path) +
                               "); stop that one first");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return lock;
}

struct Host {
    base::UniqueFd lock;
    std::unique_ptr<vm::Hypervisor> hypervisor;
    std::unique_ptr<host::BridgePorts> ports;
};

base::Result<Host> simulated(asio::io_context& io) {
    const auto later = [&io](base::Duration time, std::function<void()> what) {
        auto timer = std::make_shared<asio::steady_timer>(io, time);
        timer->async_wait([timer, what = std::move(what)](const auto& ec) {
            if (!ec)
                what();
        });
    };
    return Host{{}, std::make_unique<vm::SimulatedHypervisor>(later), nullptr};
}

base::Result<Host> connect(asio::io_context& io) {
    constexpr char hint[] =
        "; summond starts domains on a Xen dom0 as root (to try a configuration elsewhere: "
        "--simulate)";
    if (::geteuid() != 0)
        return base::error(std::string("cannot reach Xen: not root") + hint);
    auto lock = lock_host();
    if (!lock)
        return tl::make_unexpected(lock.error());
    auto hypervisor = xen::connect(io);
    if (!hypervisor)
        return base::error(hypervisor.error().what + hint);
    auto ports = host::BridgePorts::open();
    if (!ports)
        return tl::make_unexpected(ports.error());
    return Host{std::move(*lock), std::move(*hypervisor), std::move(*ports)};
}

// For the metrics; called on the store's thread, which alone writes there. Null: nothing is
// counted.
std::function<void(const store::Health&)> count_health(metrics::VmmCounters* counters) {
    if (counters == nullptr)
        return {};
    return [&file = counters->file, before = store::Health()](const store::Health& now) mutable {
        using metrics::StateFile;
        file.state.set(
            static_cast<std::uint64_t>(now.usable ? StateFile::usable : StateFile::unusable));
        if (const auto at = now.last_commit.time_since_epoch().count(); at > 0)
            file.written_at_ms.set(static_cast<std::uint64_t>(at));
        file.writes.add(now.commits - before.commits);
        file.failures.add(now.failures - before.failures);
        file.lost_wakes.add(now.lost_wakes - before.lost_wakes);
        before = now;
    };
}

}  // namespace

int vmm_main(const Arguments& arguments, const Row& /*row*/) {
    // The parent decides when vmm ends. Handlers, because libxl's scripts would inherit SIG_IGN.
    for (const int signal : {SIGINT, SIGHUP, SIGTERM, SIGPIPE})
        std::signal(signal, [](int) {});
    const auto text = proc::read_memfd(config_fd);
    const auto loaded = config::parse_packed(text ? *text : std::string(), arguments.config);
    if (!loaded.config) {
        spdlog::critical("no usable configuration from the parent");
        return 1;
    }

    const auto counters = own_counters(arguments, sizeof(metrics::VmmCounters));
    if (!counters) {
        spdlog::critical("{}", counters.error().what);
        return 1;
    }

    asio::io_context io(1);
    auto host = arguments.simulate ? simulated(io) : connect(io);
    if (!host) {
        spdlog::critical("{}", host.error().what);
        return 1;
    }
    const base::SteadyClock clock;
    const base::SystemClock wall_clock;
    vm::NoLedger none;
    std::optional<store::Ledger> kept;
    const std::string state =
        loaded.config->state.value_or(arguments.simulate ? "" : config::default_state);
    if (!state.empty())
        kept.emplace(
            store::Ledger::Options{.file = state,
                                   .on_health = count_health(counters->as<metrics::VmmCounters>())},
            clock, wall_clock);
    Vmm vmm(io, arguments.config,
            ipc::Channel(base::UniqueFd(control_fd), ipc::Role::vmm, ipc::Role::parent),
            *host->hypervisor, std::move(host->ports),
            kept ? static_cast<vm::Ledger&>(*kept) : none, counters->as<metrics::VmmCounters>());
    if (const auto r = vmm.start(*loaded.config); !r) {
        spdlog::critical("{}", r.error().what);
        return 1;
    }
    io.run();
    spdlog::info("ended; domains that run go on running");
    return 0;
}

}  // namespace summond::roles
