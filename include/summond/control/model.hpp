// What the control process knows: services as the configuration names them, how they stand as vmm
// tells it, the daemon's processes and loads as the parent does. Reading asks nobody else, so it
// waits for nobody. Pure; the time is a parameter.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/control/routes.hpp"
#include "summond/ipc/messages.hpp"
#include "summond/metrics/snapshot.hpp"
#include "summond/service/limits.hpp"
#include "summond/service/pressure.hpp"
#include "summond/service/report.hpp"
#include "summond/vm/wake_record.hpp"

namespace summond::control {

// One moment by both clocks.
struct Now {
    base::TimePoint steady;
    std::chrono::system_clock::time_point wall;
};

// A service, as far as people recognise it by the configuration.
struct ServiceText {
    service::Id id = 0;
    std::string name;
    std::vector<std::string> names;      // in DNS, with the final dot
    std::vector<std::string> addresses;  // IPv4, then IPv6
    std::uint64_t memory_kib = 0;
    std::uint32_t standby = 0;
};

// A zone that is answered for.
struct ZoneText {
    std::string name;                     // with the final dot
    std::optional<std::uint32_t> serial;  // of its SOA; none: it could not be loaded
    bool is_signed = false;
    bool signed_here = false;
    std::optional<std::chrono::sys_seconds> signed_until{};  // when its first signature ends
};

class Model {
  public:
    using WallTime = std::chrono::system_clock::time_point;
    enum class Vmm : std::uint8_t { none, starting, up, down };
    struct Role {
        ipc::RoleReport::State state;
        WallTime started;
        std::uint32_t restarts;
    };
    struct Load {
        ipc::LoadReport::Result result = ipc::LoadReport::Result::under_way;
        std::uint32_t number = 0;
        std::uint32_t failures = 0;  // how many of all so far
        WallTime at;
        std::vector<std::string> printed;  // line by line, as `summond check` prints them
    };

    Model(std::string version, std::string config_file)
        : version_(std::move(version)), config_file_(std::move(config_file)) {}

    // The services from now on. What is known of those that stay is kept.
    void configure(const std::vector<ServiceText>& services, const service::Limits& limits);
    // False: no service of the configuration's, or not yet.
    bool report(const service::Report& report);
    // What was known of other services than those of the last configure is forgotten.
    void retire_others();
    void vmm(Vmm state, WallTime since);
    // A wake is over, or more is known of one. Of services that are not known: forgotten.
    void woke(vm::WakeRecord record);
    void forget_wakes() { wakes_.clear(); }
    // What concerns all services of the host.
    void host(bool drained, service::PressureCauses pressure, const service::Shells& shells,
              const service::Pools& pools = {}) {
        drained_ = drained;
        pressure_ = pressure;
        shells_ = shells;
        pools_ = pools;
    }
    void role(ipc::Role role, std::int32_t pid, const Role& state);
    void load(Load load) { load_ = std::move(load); }

    Vmm vmm() const { return vmm_; }
    const Load& load() const { return load_; }
    const ServiceText* find(const std::string& name) const;
    const ServiceText* find(service::Id id) const;
    // Null: nothing is known of it.
    const service::Report* report_of(service::Id id) const;
    // All of it that is not counted in shared memory, but for the configuration's hash. The model
    // outlives the snapshot.
    void fill(metrics::Snapshot& snapshot, const Now& now) const;
    // The name of a service that is near; empty: none.
    std::string nearest(const std::string& name) const;

    boost::json::object status_json(const Now& now) const;
    boost::json::object services_json(const std::optional<service::Phase>& phase,
                                      const Now& now) const;
    boost::json::object service_json(service::Id id, const Now& now) const;
    boost::json::object load_json() const;
    boost::json::object vmm_json() const;
    boost::json::object host_json() const;
    static boost::json::object role_json(ipc::Role role, std::int32_t pid, const Role& state);
    static boost::json::object zones_json(const std::vector<ZoneText>& zones, const Now& now);
    // The last ones, the newest first. service: only its wakes; empty: all. before: only those that
    // came before the one of this number.
    boost::json::object wakes_json(const std::string& service, std::size_t most,
                                   std::optional<std::uint64_t> before, const Now& now) const;
    static boost::json::object wake_json(const vm::WakeRecord& record, const Now& now);

  private:
    struct Process {
        ipc::Role role;
        std::int32_t pid;
        Role state;
    };
    // What did not run because it was asleep.
    struct Saved {
        double domain_hours = 0;
        double kib_hours = 0;
        void add(const service::Report& report, const ServiceText& text, base::TimePoint until);
    };
    boost::json::object json_of(const ServiceText& text, const Now& now) const;

    std::string version_;
    std::string config_file_;
    service::Limits limits_;
    std::map<service::Id, ServiceText> services_;
    // vmm may know of a reload before: of some that are to come, too.
    std::map<service::Id, service::Report> reports_;
    std::map<std::string, service::Id, std::less<>> by_name_;
    Saved saved_;  // up to each service's last report
    std::optional<base::TimePoint> told_since_{};
    Vmm vmm_ = Vmm::none;
    WallTime vmm_since_{};
    std::optional<bool> drained_;
    service::Shells shells_;
    service::Pools pools_;
    std::optional<service::PressureCauses> pressure_;
    std::vector<Process> processes_;
    std::deque<vm::WakeRecord> wakes_;  // the oldest first
    Load load_;
};

// "2026-11-30T05:12:03.123Z".
std::string to_string(Model::WallTime time);
// As it is at that time: a failure that is over is no failure, a pin that has run out no pin.
service::Report at(service::Report report, base::TimePoint now);

}  // namespace summond::control
