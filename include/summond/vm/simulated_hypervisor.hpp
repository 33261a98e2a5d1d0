// Domains that exist only in this process, for `--simulate`: to try a configuration where there is
// no Xen. Times are invented; no packet ever reaches such a domain.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::vm {

class SimulatedHypervisor final : public Hypervisor,
                                  Domains,
                                  Snapshots,
                                  StandbyPorts,
                                  TrafficMeter,
                                  WakeCounters {
  public:
    // Does something after a time. What is still to come when it ends is never done.
    using Later = std::function<void(base::Duration, std::function<void()>)>;

    explicit SimulatedHypervisor(Later later) : later_(std::move(later)) {}

    Domains& domains() override { return *this; }
    Snapshots& snapshots() override { return *this; }
    StandbyPorts& standby_ports() override { return *this; }
    TrafficMeter& traffic_meter() override { return *this; }
    WakeCounters& wake_counters() override { return *this; }
    void keep_for_dom0(std::uint64_t) override {}

  private:
    void on_death(std::function<void(DomId, Death)> callback) override;
    base::Result<std::vector<Found>> find() override { return {}; }
    void expect(const std::vector<service::Instance>&) override {}
    void build(const service::Instance& service, unsigned number, Built done) override;
    base::Result<void> adopt(DomId) override { return {}; }
    base::Result<Found> claim(const service::Instance& service) override {
        return base::error("no domain is called " + service.name() + ": all are simulated");
    }
    std::optional<Found::Run> run(DomId domid) override;
    base::Result<void> watch(DomId) override { return {}; }
    base::Result<void> unpause(DomId domid) override;
    base::Result<void> pause(DomId domid) override;
    base::Result<void> shutdown(DomId domid) override;
    void resume(DomId domid, Done done) override;
    std::string last_console_line(DomId) override { return {}; }
    void await_ready(DomId domid, const service::Instance&, const service::ReadyHow&,
                     std::function<void()> ready) override;
    base::Result<void> preserve(DomId domid, const service::Instance&) override;
    void destroy(DomId domid, Done done) override;

    void use(const std::string&) override {}
    void keep(const std::vector<service::Instance>&) override {}
    bool has(const service::Instance& service) override { return saved_.contains(service.id()); }
    void discard(service::Id service) override { saved_.erase(service); }
    void save(DomId domid, const service::Instance& service, Saved done) override;
    void stop_saving(DomId) override {}
    void restore(const service::Instance& service, Built done) override;

    base::Result<void> rest(DomId, const service::Instance&, const std::string&) override {
        return {};
    }
    base::Result<void> become(DomId, const service::Instance&) override { return {}; }
    base::Result<void> join(DomId, const service::Instance&) override { return {}; }
    void woken(DomId, const service::Instance&) override {}

    base::Result<void> count(const std::vector<service::Instance>& services) override;
    base::Result<void> count_also(const service::Instance& service) override;
    void forget(service::Id service) override;
    base::Result<std::vector<Traffic>> read() override { return traffic_; }

    void show(const service::Instance&, const Wakes&) override {}

    Later later_;
    std::vector<Traffic> traffic_;
    std::set<DomId> alive_;
    std::set<DomId> paused_;
    std::set<service::Id> saved_;
    std::function<void(DomId, Death)> died_;
    DomId next_domid_ = 1;
};

}  // namespace summond::vm
