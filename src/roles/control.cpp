// The control role: shows how things stand and takes commands, over HTTP on a Unix socket that the
// parent has bound. It reads what everybody writes who may connect, so it is isolated as the front
// is. One thread: clients, the channels to the parent and vmm, one timer. What it answers it knows
// already, so no reader waits for anybody.

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control_counters.hpp"
#include "control_webhooks.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "summond/control/commands.hpp"
#include "summond/control/followers.hpp"
#include "summond/control/model.hpp"
#include "summond/control/page.hpp"
#include "summond/control/routes.hpp"
#include "summond/control/server.hpp"
#include "summond/ipc/link.hpp"
#include "summond/ipc/report.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/metrics/table.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/zone/zone.hpp"
#include "table.hpp"
#include "wake_messages.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using control::Asked;
using control::Model;
using control::Operation;

std::vector<control::ServiceText> texts_of(const config::Config& config) {
    std::vector<control::ServiceText> texts;
    for (const service::Template& service : config.services) {
        control::ServiceText text{service.id, service.name,       {},
                                  {},         service.memory_kib, service.standby.count};
        for (const dns::Name& name : service.names)
            text.names.push_back(name.to_string());
        for (const auto* addresses : {&service.ipv4, &service.ipv6})
            for (const base::IpAddress& address : *addresses)
                text.addresses.push_back(address.to_string());
        texts.push_back(std::move(text));
    }
    return texts;
}

// Of an SOA RRset: the five numbers that its RDATA ends with begin with it, RFC 1035 §3.3.13.
std::uint32_t serial_of(const zone::image::RRset& soa) {
    const std::uint8_t* const at = soa.records() + soa.size - 5 * 4;
    return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
           at[3];
}

std::vector<control::ZoneText> texts_of(const zone::Zones& zones) {
    std::vector<control::ZoneText> texts;
    for (std::uint32_t i = 0; i < zones.header().zone_count; ++i) {
        const zone::image::ZoneRecord& record = zones.zone(i);
        const auto& apex = *zones.at<zone::image::Node>(record.apex);
        control::ZoneText text{"", {}, record.chain != 0};
        if (const auto name = dns::Name::from_wire({apex.name(), apex.name_size}))
            text.name = name->to_string();
        if (const auto* const soa = apex.find(dns::Type::soa);
            record.negative_soa != 0 && soa != nullptr)
            text.serial = serial_of(*soa);
        texts.push_back(std::move(text));
    }
    std::ranges::sort(texts, {}, &control::ZoneText::name);
    return texts;
}

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

control::Response json_response(unsigned status, const json::object& object) {
    return {status, std::make_shared<const std::string>(json::serialize(object) + "\n")};
}

control::Response refusal(const control::Refusal& why) {
    auto response = json_response(why.status, {{"error", why.error}, {"expected", why.expected}});
    response.allow = why.allow;
    return response;
}

class Control {
  public:
    Control(asio::io_context& io, ipc::Channel parent, const std::string& config_file, uid_t own)
        : io_(io),
          config_file_(config_file),
          own_(own),
          model_(SUMMOND_VERSION, config_file),
          parent_(io, std::move(parent),
                  {[this](ipc::Received& message) { return from_parent(message); },
                   [this] {
                       spdlog::warn("the parent is gone; ending");
                       io_.stop();
                   }}),
          server_(io, {}, [this](const auto& request, auto exchange) {
              serve(request, std::move(exchange));
          }) {}

    // text: what config was read from.
    base::Result<void> start(const config::Config& config, const std::string& text) {
        configure(config, text);
        parent_.receive();
        if (!parent_.send(ipc::Ready{}))
            return base::error("the parent is gone");
        return {};
    }

  private:
    // -- What it is told

    void configure(const config::Config& config, const std::string& text) {
        config_hash_ = hash_of(text);
        model_.configure(texts_of(config), config.limits);
        if (model_.vmm() == Model::Vmm::none && !config.services.empty())
            model_.vmm(Model::Vmm::starting, std::chrono::system_clock::now());
    }

    bool from_parent(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                if (message.as<ipc::Peer>().role == ipc::Role::notifier)
                    webhooks_.connect(std::move(message.fd));
                else
                    connect_vmm(std::move(message.fd));
                return true;
            case ipc::Type::listener:
                server_.listen(std::move(message.fd));
                return true;
            case ipc::Type::image: {
                auto image = proc::Mapping::map(message.fd.get());
                if (!image)
                    spdlog::error("zone image: {}", image.error().what);
                else
                    image_.emplace(std::move(*image));
                return true;
            }
            case ipc::Type::counters:
                counters_.add(message.as<ipc::Counters>().role, message.fd.get());
                return true;
            case ipc::Type::access:
                access_ = message.as<ipc::Access>();
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
        model_.load({report.result, report.number, wall_time(report.at_ms),
                     lines_of(text ? *text : std::string())});
        tell("load", model_.load_json());
        if (report.result == ipc::LoadReport::Result::under_way)
            return;
        std::erase_if(reloads_, [&](const Reload& each) {
            if (each.number > report.number)
                return false;
            each.exchange->respond(response_of_load());
            return true;
        });
    }

    control::Response response_of_load() const {
        const bool good = model_.load().result == ipc::LoadReport::Result::in_force;
        if (good)
            return json_response(200, {{"outcome", "done"}, {"load", model_.load_json()}});
        const bool refused = model_.load().result == ipc::LoadReport::Result::refused;
        return json_response(
            refused ? 422 : 500,
            {{"error", "the configuration cannot be used; the one before stays in force"},
             {"expected", "a file without these problems"},
             {"load", model_.load_json()}});
    }

    // service: whose it is; empty: nobody's.
    void tell(std::string_view type, json::object data, const std::string& service = {}) {
        data.emplace("at", control::text_of(std::chrono::system_clock::now()));
        followers_.tell(type, data, service);
    }

    void set_vmm(Model::Vmm state) {
        model_.vmm(state, std::chrono::system_clock::now());
        tell("vmm", model_.vmm_json());
    }

    void set_report(const service::Report& report) {
        const auto* const before = model_.report_of(report.status.service);
        const std::optional<service::Report> known =
            before == nullptr ? std::nullopt : std::optional(*before);
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
            case ipc::Type::host_report:
                model_.drained(message.as<ipc::HostReport>().drained != 0);
                tell("host", {{"drained", message.as<ipc::HostReport>().drained != 0}});
                break;
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
                auto record = wake_record_of(message.as<ipc::WakeReport>());
                if (!record)
                    return false;
                if (const auto* const service = model_.find(record->service)) {
                    record->name = service->name;
                    const json::object data = Model::wake_json(*record, now());
                    tell("wake", data, service->name);
                    webhooks_.woke(*record, data);
                }
                model_.woke(std::move(*record));
                break;
            }
            default:
                return false;
        }
        arm();
        return true;
    }

    // -- What it is asked

    bool may(const control::Client& client, control::Right right) const {
        const auto is_in = [&](std::uint32_t group) {
            return group != ipc::Access::nobody &&
                   std::ranges::find(client.groups, group) != client.groups.end();
        };
        if (client.user == 0 || client.user == own_ || is_in(access_.admins))
            return true;
        return right == control::Right::read && is_in(access_.readers);
    }

    control::Now now() const { return {clock_.now(), std::chrono::system_clock::now()}; }

    void serve(const control::Request& request, std::shared_ptr<control::Exchange> exchange) {
        const auto asked = control::understand(request.method, request.target);
        // Who may not read is not told what there is.
        const auto right = asked ? asked->route->right : control::Right::read;
        if (!may(request.client, right)) {
            exchange->respond(refusal(
                right == control::Right::read
                    ? control::Refusal{403, "you may not look here",
                                       "root, or a member of the group summond or of the group "
                                       "that `control: {readers: ...}` names"}
                    : control::Refusal{403, "you may look, and give no commands",
                                       "root, or a member of the group that "
                                       "`control: {admins: ...}` names"}));
            return;
        }
        if (const auto why = control::suspicious(request.browser, right)) {
            exchange->respond(refusal(*why));
            return;
        }
        if (!asked) {
            exchange->respond(refusal(asked.error()));
            return;
        }
        if (asked->route->operation == Operation::events)
            events(*asked, request, *exchange);
        else if (asked->route->operation == Operation::reload)
            reload(std::move(exchange));
        else if (asked->route->operation == Operation::ping)
            webhooks_.ping(asked->service, std::move(exchange));
        else if (right == control::Right::command)
            command(*asked, request.client.user, std::move(exchange));
        else
            exchange->respond(read(*asked));
    }

    void events(const Asked& asked, const control::Request& request, control::Exchange& exchange) {
        if (!asked.service.empty() && model_.find(asked.service) == nullptr)
            exchange.respond(unknown_service(asked.service));
        else if (request.method == "HEAD")
            exchange.respond({200, std::make_shared<const std::string>(), "text/event-stream"});
        else
            followers_.add(asked, request.last_event_id, exchange);
    }

    // The load that answers it is the next one: one under way may have read the file before.
    void reload(std::shared_ptr<control::Exchange> exchange) {
        if (!parent_.send(ipc::ReloadWanted{})) {
            exchange->respond(refusal({503, "the daemon takes no commands now", "another try"}));
            return;
        }
        reloads_.push_back({model_.load().number + 1, std::move(exchange)});
    }

    control::Response unknown_service(const std::string& name) const {
        const std::string meant = model_.nearest(name);
        return refusal(
            {404, "no service is called " + name,
             meant.empty() ? "GET /v1/services lists them" : "did you mean " + meant + "?"});
    }

    std::string metrics_text() const {
        const auto snapshot = std::make_unique<metrics::Snapshot>();
        model_.fill(*snapshot, now());
        counters_.fill(*snapshot);
        webhooks_.fill(*snapshot);
        snapshot->config_hash = config_hash_;
        return metrics::exposition(*snapshot);
    }

    control::Response read(const Asked& asked) const {
        switch (asked.route->operation) {
            case Operation::status:
                return json_response(200, model_.status_json(now()));
            case Operation::webhooks:
                return json_response(200, webhooks_.json(now().wall));
            case Operation::services:
                return json_response(200, model_.services_json(asked.phase, now()));
            case Operation::zones: {
                const auto zones =
                    zone::Zones::open(image_ ? image_->bytes() : std::span<const std::uint8_t>());
                return json_response(
                    200, Model::zones_json(
                             zones ? texts_of(*zones) : std::vector<control::ZoneText>(), now()));
            }
            case Operation::page: {
                const auto file = control::page_file(asked.route->path);
                return {200, std::make_shared<const std::string>(file.text), file.type};
            }
            case Operation::metrics:
                return {200, std::make_shared<const std::string>(metrics_text()),
                        metrics::content_type};
            case Operation::wakes:
                if (!asked.service.empty() && model_.find(asked.service) == nullptr)
                    return unknown_service(asked.service);
                return json_response(
                    200, model_.wakes_json(asked.service, asked.last.value_or(100), now()));
            default:
                break;
        }
        const auto* const service = model_.find(asked.service);
        return service == nullptr ? unknown_service(asked.service)
                                  : json_response(200, model_.service_json(service->id, now()));
    }

    void command(const Asked& asked, uid_t user, std::shared_ptr<control::Exchange> exchange) {
        commands_.begin(asked, user, [this, exchange = std::move(exchange)](const auto& answer) {
            exchange->respond(response_of(answer));
        });
        arm();
    }

    control::Response response_of(const control::CommandAnswer& answer) const {
        if (answer.outcome.empty())
            return refusal({answer.status, answer.error, answer.expected});
        json::object object{{"outcome", answer.outcome}};
        if (answer.about && model_.find(*answer.about) != nullptr)
            object.emplace("service", model_.service_json(*answer.about, now()));
        return json_response(answer.status, object);
    }

    void arm() { timer_.set(commands_.deadline()); }

    asio::io_context& io_;
    std::string config_file_;
    uid_t own_;
    base::SteadyClock clock_;
    Model model_;
    struct Reload {
        std::uint32_t number;  // of the load that answers it
        std::shared_ptr<control::Exchange> exchange;
    };
    std::vector<Reload> reloads_;
    control::Followers followers_{static_cast<std::uint64_t>(
        std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000)};
    std::optional<proc::Mapping> image_;
    CounterMappings counters_;
    std::uint64_t config_hash_ = 0;
    ipc::Access access_{ipc::Access::nobody, ipc::Access::nobody};
    ipc::Link parent_;
    ipc::Link vmm_;
    ControlWebhooks webhooks_{io_};
    control::Commands commands_{model_, clock_,
                                [this](const ipc::Command& command) { return vmm_.send(command); }};
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
