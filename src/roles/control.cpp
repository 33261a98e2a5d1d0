// The control role: shows how things stand and takes commands, over HTTP on a Unix socket that the
// parent has bound, and for reading over TCP. It reads what everybody writes who may connect, so it
// is isolated as the front is. One thread: clients, the channels to the parent and vmm, one timer.
// What it answers it knows already, so no reader waits for anybody. Here stands what it is told;
// what it is asked, in control_answers.cpp.

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control_answers.hpp"
#include "control_fleet.hpp"
#include "control_texts.hpp"
#include "control_webhooks.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "summond/control/commands.hpp"
#include "summond/control/followers.hpp"
#include "summond/control/model.hpp"
#include "summond/control/server.hpp"
#include "summond/ipc/link.hpp"
#include "summond/ipc/report.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/proc/memfd.hpp"
#include "table.hpp"
#include "wake_messages.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using control::Model;

Model::WallTime wall_time(std::int64_t ms) {
    return Model::WallTime(std::chrono::milliseconds(ms));
}

// FNV-1a; 48 bits, so that floating point numbers hold it.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash >> 16;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

class Control {
  public:
    Control(asio::io_context& io, ipc::Channel parent, const std::string& config_file, uid_t own)
        : io_(io),
          config_file_(config_file),
          known_{{SUMMOND_VERSION, config_file}, control::Followers(epoch())},
          answers_(known_, commands_, clock_, own,
                   [this] { return parent_.send(ipc::ReloadWanted{}); }),
          parent_(io, std::move(parent),
                  {[this](ipc::Received& message) { return from_parent(message); },
                   [this] {
                       spdlog::warn("the parent is gone; ending");
                       io_.stop();
                   }}),
          server_(io, {}, [this](const auto& request, auto exchange) {
              answers_.serve(request, std::move(exchange));
              arm();
          }) {}

    // text: what config was read from.
    base::Result<void> start(const config::Config& config, const std::string& text) {
        known_.webhooks = &webhooks_;
        known_.fleet = &fleet_;
        configure(config, text);
        parent_.receive();
        if (!parent_.send(ipc::Ready{}))
            return base::error("the parent is gone");
        return {};
    }

  private:
    // -- What it is told

    void configure(const config::Config& config, const std::string& text) {
        known_.config_hash = hash_of(text);
        known_.names = config.control.names;
        model_.configure(texts_of(config), config.limits);
        if (model_.vmm() == Model::Vmm::none && !config.services.empty())
            model_.vmm(Model::Vmm::starting, std::chrono::system_clock::now());
    }

    bool from_parent(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                if (message.as<ipc::Peer>().role == ipc::Role::notifier)
                    webhooks_.connect(std::move(message.fd));
                else if (message.as<ipc::Peer>().role == ipc::Role::fleet)
                    fleet_.connect(std::move(message.fd));
                else
                    connect_vmm(std::move(message.fd));
                return true;
            case ipc::Type::listener:
                server_.listen(message.as<ipc::Listener>().number, std::move(message.fd));
                return true;
            case ipc::Type::image: {
                auto image = proc::Mapping::map(message.fd.get());
                if (!image)
                    spdlog::error("zone image: {}", image.error().what);
                else
                    known_.image.emplace(std::move(*image));
                return true;
            }
            case ipc::Type::counters:
                known_.counters.add(message.as<ipc::Counters>().role, message.fd.get());
                return true;
            case ipc::Type::access:
                known_.access = message.as<ipc::Access>();
                server_.close_beyond(known_.access.listeners);
                return true;
            case ipc::Type::role_report: {
                const auto report = message.as<ipc::RoleReport>();
                const Model::Role state{report.state, wall_time(report.started_at_ms),
                                        report.restarts};
                model_.role(report.role, report.pid, state);
                tell("role", Model::role_json(report.role, report.pid, state));
                return true;
            }
            case ipc::Type::reload:
                reload(message.fd.get());
                return true;
            case ipc::Type::retire:
                model_.retire_others();
                return true;
            case ipc::Type::load_report:
                loaded(message.as<ipc::LoadReport>(), message.fd.get());
                return true;
            default:
                return false;
        }
    }

    void reload(int fd) {
        const auto text = proc::read_memfd(fd);
        const auto loaded = config::parse_packed(text ? *text : std::string(), config_file_);
        if (loaded.config)
            configure(*loaded.config, *text);
        else
            spdlog::error("the parent sent a configuration that does not load; kept the old one");
    }

    void loaded(const ipc::LoadReport& report, int fd) {
        const auto text = proc::read_memfd(fd);
        model_.load({report.result, report.number, report.failures, wall_time(report.at_ms),
                     lines_of(text ? *text : std::string())});
        tell("load", model_.load_json());
        if (report.result != ipc::LoadReport::Result::under_way)
            answers_.loaded(report.number);
    }

    // service: whose it is; empty: nobody's.
    void tell(std::string_view type, json::object data, const std::string& service = {}) {
        data.emplace("at", control::to_string(std::chrono::system_clock::now()));
        known_.followers.tell(type, data, service);
    }

    void set_vmm(Model::Vmm state) {
        model_.vmm(state, std::chrono::system_clock::now());
        tell("vmm", model_.vmm_json());
    }

    void set_report(const service::Report& report) {
        const auto* const before = model_.report_of(report.status.service);
        const auto known = before == nullptr ? std::nullopt : std::optional(*before);
        // When it is idle moves with all its traffic, and each wake is told of besides.
        service::Report as_before = report;
        if (before != nullptr) {
            as_before.idle_at = before->idle_at;
            as_before.wakes = before->wakes;
        }
        const bool is_new = before == nullptr || *before != as_before;
        if (!model_.report(report))
            return;
        commands_.changed(report.status.service);
        if (!is_new)
            return;
        const std::string& name = model_.find(report.status.service)->name;
        const json::object data = model_.service_json(report.status.service, now());
        tell("service", data, name);
        webhooks_.stands(known ? &*known : nullptr, report, name, data);
    }

    void connect_vmm(base::UniqueFd fd) {
        commands_.vmm_lost();
        history_due_ = true;
        set_vmm(Model::Vmm::starting);
        vmm_ = ipc::Link(io_, ipc::Channel(std::move(fd), ipc::Role::control, ipc::Role::vmm),
                         {[this](ipc::Received& message) { return from_vmm(message); },
                          [this] {
                              set_vmm(Model::Vmm::down);
                              commands_.vmm_lost();
                          }});
    }

    bool from_vmm(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::report: {
                const auto report = ipc::report_of(message.as<ipc::Report>());
                if (!report)
                    return false;
                set_report(*report);
                break;
            }
            case ipc::Type::host_report: {
                const auto report = message.as<ipc::HostReport>();
                model_.host(report.drained != 0,
                            static_cast<service::PressureCauses>(report.pressure),
                            {report.shells_wanted, report.shells, report.shells_kib},
                            {report.pool_addresses, report.leased});
                tell("host", model_.host_json());
                fleet_.health(report.drained != 0, report.pressure != 0);
                break;
            }
            case ipc::Type::ready:
                set_vmm(Model::Vmm::up);
                break;
            case ipc::Type::command_done: {
                const auto done = message.as<ipc::CommandDone>();
                if (done.outcome > ipc::CommandDone::Outcome::last)
                    return false;
                commands_.done(done);
                break;
            }
            case ipc::Type::wake_report: {
                const auto wake = message.as<ipc::WakeReport>();
                auto record = wake_record_of(wake);
                if (!record)
                    return false;
                woke(std::move(*record), wake.remembered != 0);
                break;
            }
            default:
                return false;
        }
        arm();
        return true;
    }

    // remembered: of before this vmm's channel, so told to control, or to the one before it,
    // already.
    void woke(vm::WakeRecord record, bool remembered) {
        // What another vmm has said of them is of its clock, and perhaps of other numbers.
        if (remembered && std::exchange(history_due_, false))
            model_.forget_wakes();
        const auto* const service = model_.find(record.service);
        if (service != nullptr && !remembered) {
            record.name = service->name;
            const json::object data = Model::wake_json(record, now());
            tell("wake", data, service->name);
            webhooks_.woke(record, data);
        }
        model_.woke(std::move(record));
    }

    control::Now now() const { return answers_.now(); }

    // Of events' ids: another one for each process.
    static std::uint64_t epoch() {
        return static_cast<std::uint64_t>(
            std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000);
    }

    void arm() { timer_.set(commands_.deadline()); }

    asio::io_context& io_;
    std::string config_file_;
    base::SteadyClock clock_;
    Known known_;
    Model& model_ = known_.model;
    ControlWebhooks webhooks_{io_};
    ControlFleet fleet_{io_};
    bool history_due_ = false;  // of a vmm that has just connected
    ipc::Link vmm_;
    control::Commands commands_{model_, clock_,
                                [this](const ipc::Command& command) { return vmm_.send(command); }};
    ControlAnswers answers_;
    ipc::Link parent_;
    loop::DeadlineTimer timer_{io_, [this] {
                                   commands_.tick();
                                   arm();
                               }};
    control::Server server_;
};

int not_started(const std::string& what) {
    spdlog::critical("{}", what);
    return 1;
}

}  // namespace

int control_main(const Arguments& arguments, const Row& row) {
    ipc::Channel parent(base::UniqueFd(control_fd), ipc::Role::control, ipc::Role::parent);
    const auto text = proc::read_memfd(config_fd);
    const auto loaded = config::parse_packed(text ? *text : std::string(), arguments.config);
    if (!loaded.config)
        return not_started("no usable configuration from the parent");
    const uid_t own = ::getuid();
    // While there is a directory that it could be relative to.
    const std::string config_file = std::filesystem::absolute(arguments.config);
    if (const auto isolated = row.isolate(arguments.user); !isolated)
        return not_started("cannot isolate: " + isolated.error().what);
    asio::io_context io(1);
    Control process(io, std::move(parent), config_file, own);
    if (const auto started = process.start(*loaded.config, *text); !started)
        return not_started(started.error().what);
    io.run();
    return 0;
}

}  // namespace summond::roles
