// Domains that exist only in this process, for `--simulate`: to try a configuration where there is
// no Xen. Times are invented; no packet ever reaches such a domain.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/vm/backend.hpp"

namespace summond::vm {

class SimulatedBackend final : public Backend {
  public:
    explicit SimulatedBackend(const base::Clock& clock) : clock_(clock) {}

    void on_death(std::function<void(DomId, Death)> callback) override;
    base::Result<std::vector<Found>> find() override;
    void build(const service::Template& service, Built done) override;
    void build_copy(const service::Template& service, unsigned number, Built done) override;
    base::Result<void> rest(DomId, const service::Template&, const std::string&) override {
        return {};
    }
    base::Result<void> join(DomId, const service::Template&) override { return {}; }
    void woken(DomId, const service::Template&) override {}
    base::Result<void> adopt(DomId domid) override;
    std::optional<Found::Run> run(DomId domid) override;
    base::Result<void> watch(DomId) override { return {}; }
    base::Result<void> unpause(DomId domid) override;
    base::Result<void> pause(DomId domid) override;
    base::Result<void> shutdown(DomId domid) override;
    void keep_for_dom0(std::uint64_t) override {}
    void save_in(const std::string&) override {}
    void keep_saved(const std::vector<service::Template>&) override {}
    void save(DomId domid, const service::Template& service, Saved done) override;
    void stop_saving(DomId) override {}
    void resume(DomId domid, Done done) override;
    bool saved(const service::Template& service) override { return saved_.contains(service.id); }
    void restore(const service::Template& service, Built done) override;
    void discard_saved(service::Id service) override { saved_.erase(service); }
    std::string last_console_line(DomId) override { return {}; }
    base::Result<void> preserve(DomId domid, const service::Template&) override {
        alive_.erase(domid);
        return {};
    }
    void destroy(DomId domid, Done done) override;
    void await_ready(DomId domid, const service::Template& service,
                     std::function<void()> ready) override;
    base::Result<void> meter(const std::vector<service::Template>& services) override;
    base::Result<std::vector<Traffic>> traffic() override;
    void count_wakes(const service::Template&, const Wakes&) override {}

    // As Manager's.
    std::optional<base::TimePoint> next_deadline() const;
    void tick();

  private:
    const base::Clock& clock_;
    std::multimap<base::TimePoint, std::function<void()>> steps_;  // still to come
    std::vector<Traffic> traffic_;
    std::set<DomId> alive_;
    std::set<DomId> paused_;
    std::set<service::Id> saved_;
    std::function<void(DomId, Death)> died_;
    DomId next_domid_ = 1;
};

}  // namespace summond::vm
