// What the model knows, for those who ask over the control interface (docs/openapi.yaml).
#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <iterator>

#include "summond/control/model.hpp"
#include "summond/metrics/front_counters.hpp"

namespace summond::control {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

json::value time_of(base::TimePoint at, const Now& now) {
    const auto since =
        std::chrono::duration_cast<std::chrono::system_clock::duration>(at - now.steady);
    return json::string(to_string(now.wall + since));
}

json::value time_of(const std::optional<base::TimePoint>& at, const Now& now) {
    return at ? time_of(*at, now) : nullptr;
}

template <typename T>
json::value or_null(const std::optional<T>& value) {
    return value ? json::value(*value) : nullptr;
}

json::array strings(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts)
        array.emplace_back(text);
    return array;
}

std::string_view to_string(Model::Vmm state) {
    switch (state) {
        case Model::Vmm::none:
            return "none";
        case Model::Vmm::starting:
            return "starting";
        case Model::Vmm::up:
            return "up";
        case Model::Vmm::down:
            break;
    }
    return "down";
}

std::string_view to_string(ipc::RoleReport::State state) {
    using State = ipc::RoleReport::State;
    switch (state) {
        case State::starting:
            return "starting";
        case State::ready:
            return "ready";
        case State::draining:
            return "draining";
        case State::ended:
            break;
    }
    return "ended";
}

std::string_view to_string(ipc::LoadReport::Result result) {
    using Result = ipc::LoadReport::Result;
    switch (result) {
        case Result::under_way:
            return "under way";
        case Result::in_force:
            return "in force";
        case Result::refused:
            return "refused";
        case Result::failed:
            break;
    }
    return "failed";
}

// What people call it: of a service that is asleep, how.
std::string_view state_of(const service::Report& report) {
    using service::Stage;
    if (report.status.phase == service::Phase::failed)
        return report.status.failure == service::WakeFailure::drained ? "drained" : "failed";
    if (report.stage == Stage::absent)
        return report.saved ? "saved" : "asleep";
    return to_string(report.stage);
}

}  // namespace

std::string to_string(Model::WallTime time) {
    const auto ms = std::chrono::floor<milliseconds>(time);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
    return fmt::format("{:%FT%T}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                       (ms - seconds).count());
}

json::object Model::vmm_json() const {
    return {
        {"state", to_string(vmm_)},
        {"since", vmm_ == Vmm::none ? json::value(nullptr) : json::value(to_string(vmm_since_))}};
}

json::object Model::host_json() const {
    json::object object{
        {"drained", or_null(drained_)}, {"pressure", nullptr}, {"shells", shells_.there}};
    if (pressure_) {
        json::array causes;
        for (std::size_t i = 0; i < service::pressure_causes.size(); ++i)
            if ((*pressure_ >> i & 1) != 0)
                causes.emplace_back(service::pressure_causes[i]);
        object["pressure"] = std::move(causes);
    }
    return object;
}

json::object Model::json_of(const ServiceText& text, const Now& now) const {
    const service::Report* const known = report_of(text.id);
    json::object object{{"name", text.name},
                        {"names", strings(text.names)},
                        {"addresses", strings(text.addresses)},
                        {"configured_kib", text.memory_kib},
                        {"standby_wanted", text.standby}};
    if (known == nullptr) {
        for (const char* key : {"phase", "state"})
            object.emplace(key, "unknown");
        for (const char* key :
             {"since", "domid", "memory_kib", "why", "wakes", "waiting_since", "idle_at", "failure",
              "refused_until", "pinned", "pinned_until", "standby", "standby_kib"})
            object.emplace(key, nullptr);
        return object;
    }
    const service::Report report = at(*known, now.steady);
    const service::Status& status = report.status;
    using service::Phase;
    const bool failed = status.phase == Phase::failed;
    const bool waking = status.phase == Phase::building || status.phase == Phase::booting;
    object.emplace("phase", to_string(status.phase));
    object.emplace("state", state_of(report));
    object.emplace("since", time_of(report.since, now));
    object.emplace("domid", or_null(status.domid));
    object.emplace("memory_kib", report.memory_kib);
    object.emplace("why", report.why ? json::value(to_string(*report.why)) : nullptr);
    object.emplace("wakes", report.wakes);
    object.emplace("waiting_since", waking ? time_of(status.woken_at, now) : nullptr);
    object.emplace("idle_at", report.pinned ? nullptr : time_of(report.idle_at, now));
    object.emplace("failure", failed ? json::value(to_string(status.failure)) : nullptr);
    object.emplace("refused_until", failed ? time_of(status.retry_at, now) : nullptr);
    object.emplace("pinned", report.pinned);
    object.emplace("pinned_until", time_of(report.pinned_until, now));
    object.emplace("standby", report.standby);
    object.emplace("standby_kib", report.standby_kib);
    return object;
}

json::object Model::service_json(service::Id id, const Now& now) const {
    return json_of(services_.at(id), now);
}

json::object Model::services_json(const std::optional<service::Phase>& phase,
                                  const Now& now) const {
    json::array array;
    for (const auto& [name, id] : by_name_) {
        const service::Report* const known = report_of(id);
        if (phase && (known == nullptr || at(*known, now.steady).status.phase != *phase))
            continue;
        array.emplace_back(json_of(services_.at(id), now));
    }
    return {{"now", to_string(now.wall)}, {"vmm", vmm_json()}, {"services", std::move(array)}};
}

json::object Model::load_json() const {
    return {{"result", to_string(load_.result)},
            {"number", load_.number},
            {"at", to_string(load_.at)},
            {"problems", strings(load_.printed)}};
}

json::object Model::wake_json(const vm::WakeRecord& record, const Now& now) {
    const auto ms = [](const std::optional<base::Duration>& time) -> json::value {
        if (!time)
            return nullptr;
        return std::chrono::duration<double, std::milli>(*time).count();
    };
    const bool failed = record.failure != service::WakeFailure::none;
    return {{"service", record.name},
            {"number", record.number},
            {"why", to_string(record.why)},
            {"query_type", record.query_type == 0
                               ? json::value(nullptr)
                               : json::value(metrics::name_of_type(record.query_type))},
            {"how", record.how ? json::value(to_string(*record.how)) : nullptr},
            {"asked_at", time_of(record.asked_at, now)},
            {"failure", failed ? json::value(to_string(record.failure)) : nullptr},
            {"what", failed ? json::value(record.what) : nullptr},
            {"queries", record.queries},
            {"packets", record.packets},
            {"first_waited_ms", ms(record.first_waited)},
            {"after_ms",
             {{"admitted", ms(record.admitted)},
              {"built", ms(record.built)},
              {"unpaused", ms(record.unpaused)},
              {"answerable", ms(record.answerable)},
              {"ready", ms(record.ready)},
              {"handed_over", ms(record.handed_over)},
              {"first_byte", ms(record.first_byte)},
              {"failed", ms(record.failed)}}}};
}

json::object Model::wakes_json(const std::string& service, std::size_t most,
                               std::optional<std::uint64_t> before, const Now& now) const {
    auto each = wakes_.rbegin();
    if (before) {
        const auto found = std::find_if(each, wakes_.rend(), [&](const vm::WakeRecord& record) {
            return record.number == *before;
        });
        // It may have been forgotten: numbers go up, but for a vmm that knows of none before it.
        each = found != wakes_.rend()
                   ? std::next(found)
                   : std::find_if(each, wakes_.rend(), [&](const vm::WakeRecord& record) {
                         return record.number < *before;
                     });
    }
    json::array array;
    std::optional<std::uint64_t> last;
    bool more = false;
    for (; each != wakes_.rend() && !more; ++each) {
        if (!service.empty() && each->name != service)
            continue;
        more = array.size() == most;
        if (more)
            break;
        array.emplace_back(wake_json(*each, now));
        last = each->number;
    }
    return {{"now", to_string(now.wall)},
            {"wakes", std::move(array)},
            {"next", more ? or_null(last) : json::value(nullptr)}};
}

json::object Model::zones_json(const std::vector<ZoneText>& zones, const Now& now) {
    json::array array;
    for (const ZoneText& zone : zones)
        array.push_back(json::object{
            {"name", zone.name},
            {"loaded", zone.serial.has_value()},
            {"serial", or_null(zone.serial)},
            {"signed", zone.is_signed},
            {"signed_here", zone.signed_here},
            {"signed_until", zone.signed_until ? json::value(to_string(*zone.signed_until))
                                               : json::value(nullptr)}});
    return {{"now", to_string(now.wall)}, {"zones", std::move(array)}};
}

json::object Model::role_json(ipc::Role role, std::int32_t pid, const Role& state) {
    return {{"role", ipc::to_string(role)},
            {"pid", pid},
            {"state", to_string(state.state)},
            {"since", to_string(state.started)},
            {"restarts", state.restarts}};
}

json::object Model::status_json(const Now& now) const {
    std::array<std::uint64_t, static_cast<std::size_t>(service::Phase::last) + 1> count{};
    std::uint64_t unknown = 0;
    std::uint64_t running_kib = 0;
    std::uint64_t standby_kib = 0;
    std::uint64_t domains = 0;
    std::uint64_t standby = 0;
    Saved saved = saved_;
    for (const auto& [id, text] : services_) {
        const service::Report* const known = report_of(id);
        if (known == nullptr) {
            ++unknown;
            continue;
        }
        saved.add(*known, text, now.steady);
        const service::Report report = at(*known, now.steady);
        ++count[static_cast<std::size_t>(report.status.phase)];
        running_kib += report.memory_kib;
        standby_kib += report.standby_kib;
        domains += report.memory_kib > 0 ? 1 : 0;
        standby += report.standby;
    }
    json::object services{{"total", services_.size()}, {"unknown", unknown}};
    for (std::size_t phase = 0; phase < count.size(); ++phase)
        services.emplace(to_string(static_cast<service::Phase>(phase)), count[phase]);
    json::array roles;
    for (const Process& process : processes_)
        roles.push_back(role_json(process.role, process.pid, process.state));
    return {{"now", to_string(now.wall)},
            {"version", version_},
            {"config", config_file_},
            {"vmm", vmm_json()},
            {"drained", or_null(drained_)},
            {"pressure", host_json()["pressure"]},
            {"services", std::move(services)},
            {"memory",
             {{"running_kib", running_kib},
              {"standby_kib", standby_kib},
              {"shells_kib", shells_.kib},
              {"limit_kib", or_null(limits_.memory_kib)}}},
            {"domains",
             {{"running", domains},
              {"standby", standby},
              {"shells", shells_.there},
              {"shells_wanted", shells_.wanted},
              {"limit", or_null(limits_.domains)}}},
            {"pool", {{"addresses", pools_.addresses}, {"leased", pools_.leased}}},
            {"saved",
             {{"since", time_of(told_since_, now)},
              {"domain_hours", saved.domain_hours},
              {"kib_hours", saved.kib_hours}}},
            {"roles", std::move(roles)},
            {"load", load_json()}};
}

}  // namespace summond::control
