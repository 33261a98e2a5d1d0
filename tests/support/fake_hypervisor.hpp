// A Hypervisor whose steps end when, and how, a test says.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "summond/vm/hypervisor.hpp"

namespace summond::test {

class FakeHypervisor final : public vm::Hypervisor,
                             public vm::Domains,
                             public vm::Snapshots,
                             public vm::StandbyPorts,
                             public vm::TrafficMeter,
                             public vm::WakeCounters {
    using Built = vm::Built;
    using Saved = vm::Saved;
    using Done = vm::Done;

  public:
    struct PendingBuild {
        service::Id service;
        Built done;
    };
    struct PendingDestroy {
        vm::DomId domid;
        Done done;
    };

    std::deque<PendingBuild> builds;
    struct PendingSave {
        vm::DomId domid;
        service::Id service;
        Saved done;
    };

    struct PendingStandby {
        service::Id service;
        unsigned number;
        Built done;
    };
    std::deque<PendingStandby> standbys;
    std::map<vm::DomId, std::string> marks;         // of standbys that rest
    std::map<vm::DomId, service::Instance> became;  // shells
    bool become_fails = false;
    bool join_fails = false;
    std::deque<PendingDestroy> destroys;
    std::deque<PendingSave> saves;
    std::deque<PendingDestroy> resumes;
    std::deque<PendingBuild> restores;
    std::set<service::Id> kept;  // those whose files are there
    std::map<vm::DomId, std::function<void()>> awaited;
    std::map<vm::DomId, service::ReadyHow> awaited_as;
    std::vector<std::string> calls;  // "unpause 1", in order
    std::vector<vm::Found> existing;
    std::vector<vm::Traffic> counts;
    std::map<service::Id, vm::Wakes> wakes;  // counted
    std::vector<service::Id> metered;
    // What domains do that do not run; none: they are not there.
    std::map<vm::DomId, std::optional<vm::Found::Run>> runs;
    bool unpause_fails = false;
    bool shutdown_fails = false;
    bool preserve_fails = false;
    bool traffic_fails = false;

    vm::DomId finish_build(vm::DomId domid) {
        auto build = take(builds);
        build.done(domid);
        return domid;
    }
    void fail_build(service::WakeFailure why) {
        auto build = take(builds);
        build.done(tl::make_unexpected(vm::BuildError{why, "as the test says"}));
    }
    vm::DomId finish_standby(vm::DomId domid) {
        take(standbys).done(domid);
        return domid;
    }
    void fail_standby() {
        take(standbys).done(tl::make_unexpected(
            vm::BuildError{service::WakeFailure::no_memory, "as the test says"}));
    }
    void finish_destroy() { take(destroys).done({}); }
    void fail_destroy() { take(destroys).done(base::error("as the test says")); }
    void finish_save() {
        auto save = take(saves);
        kept.insert(save.service);
        save.done({});
    }
    void fail_save(bool refused = false) {
        take(saves).done(tl::make_unexpected(vm::SaveError{"as the test says", refused}));
    }
    void finish_resume() { take(resumes).done({}); }
    void fail_resume() { take(resumes).done(base::error("as the test says")); }
    void finish_restore(vm::DomId domid) { take(restores).done(domid); }
    void fail_restore(bool broken) {
        take(restores).done(tl::make_unexpected(
            vm::BuildError{service::WakeFailure::no_memory, "as the test says", broken}));
    }
    void become_ready(vm::DomId domid) {
        auto ready = std::move(awaited.at(domid));
        awaited.erase(domid);
        ready();
    }
    void die(vm::DomId domid, vm::Death how) { died_(domid, how); }

    vm::Domains& domains() override { return *this; }
    vm::Snapshots& snapshots() override { return *this; }
    vm::StandbyPorts& standby_ports() override { return *this; }
    vm::TrafficMeter& traffic_meter() override { return *this; }
    vm::WakeCounters& wake_counters() override { return *this; }

    void on_death(std::function<void(vm::DomId, vm::Death)> callback) override {
        died_ = std::move(callback);
    }
    base::Result<std::vector<vm::Found>> find() override { return existing; }
    void expect(const std::vector<service::Instance>&) override {}
    void build(const service::Instance& service, unsigned number, Built done) override {
        if (number == 0)
            builds.push_back({service.id(), std::move(done)});
        else
            standbys.push_back({service.id(), number, std::move(done)});
    }
    base::Result<void> rest(vm::DomId domid, const service::Instance&,
                            const std::string& mark) override {
        marks[domid] = mark;
        return call("rest", domid);
    }
    base::Result<void> become(vm::DomId domid, const service::Instance& service) override {
        if (become_fails)
            return base::error("as the test says");
        marks.erase(domid);
        became.insert_or_assign(domid, service);
        return call("become", domid);
    }
    base::Result<void> join(vm::DomId domid, const service::Instance&) override {
        if (join_fails)
            return base::error("as the test says");
        return call("join", domid);
    }
    void woken(vm::DomId domid, const service::Instance&) override {
        marks.erase(domid);
        (void)call("woken", domid);
    }
    base::Result<void> adopt(vm::DomId domid) override { return call("adopt", domid); }
    std::optional<vm::DomId> claimable{};
    base::Result<vm::Found> claim(const service::Instance& service) override {
        if (!claimable)
            return base::error("as the test says");
        return vm::Found{.domid = *claimable, .service = service.id(), .complete = true};
    }
    std::optional<vm::Found::Run> run(vm::DomId domid) override {
        const auto it = runs.find(domid);
        return it == runs.end() ? vm::Found::Run::running : it->second;
    }
    base::Result<void> watch(vm::DomId domid) override { return call("watch", domid); }
    base::Result<void> unpause(vm::DomId domid) override {
        runs.erase(domid);
        if (unpause_fails)
            return base::error("as the test says");
        return call("unpause", domid);
    }
    base::Result<void> pause(vm::DomId domid) override {
        runs[domid] = vm::Found::Run::paused;
        return call("pause", domid);
    }
    base::Result<void> shutdown(vm::DomId domid) override {
        if (shutdown_fails)
            return base::error("as the test says");
        return call("shutdown", domid);
    }
    void keep_for_dom0(std::uint64_t) override {}
    void use(const std::string&) override {}
    void keep(const std::vector<service::Instance>&) override {}
    void save(vm::DomId domid, const service::Instance& service, Saved done) override {
        saves.push_back({domid, service.id(), std::move(done)});
    }
    void stop_saving(vm::DomId domid) override { call("stop_saving", domid); }
    void resume(vm::DomId domid, Done done) override {
        resumes.push_back({domid, std::move(done)});
    }
    bool has(const service::Instance& service) override { return kept.contains(service.id()); }
    void restore(const service::Instance& service, Built done) override {
        restores.push_back({service.id(), std::move(done)});
    }
    void discard(service::Id service) override { kept.erase(service); }
    std::string last_console_line(vm::DomId) override { return {}; }
    base::Result<void> preserve(vm::DomId domid, const service::Instance&) override {
        if (preserve_fails)
            return base::error("as the test says");
        awaited.erase(domid);
        return call("preserve", domid);
    }
    void destroy(vm::DomId domid, Done done) override {
        awaited.erase(domid);
        destroys.push_back({domid, std::move(done)});
    }
    void await_ready(vm::DomId domid, const service::Instance&, const service::ReadyHow& how,
                     std::function<void()> ready) override {
        awaited_as[domid] = how;
        awaited[domid] = std::move(ready);
    }
    base::Result<void> count(const std::vector<service::Instance>& services) override {
        metered.clear();
        for (const auto& service : services)
            metered.push_back(service.id());
        return {};
    }
    base::Result<void> count_also(const service::Instance& service) override {
        metered.push_back(service.id());
        return {};
    }
    void forget(service::Id service) override { std::erase(metered, service); }
    void show(const service::Instance& service, const vm::Wakes& done) override {
        wakes[service.id()] = done;
    }
    base::Result<std::vector<vm::Traffic>> read() override {
        if (traffic_fails)
            return base::error("as the test says");
        return counts;
    }

  private:
    base::Result<void> call(const char* what, vm::DomId domid) {
        calls.push_back(std::string(what) + " " + std::to_string(domid));
        return {};
    }
    template <typename T>
    static T take(std::deque<T>& queue) {
        T first = std::move(queue.front());
        queue.pop_front();
        return first;
    }

    std::function<void(vm::DomId, vm::Death)> died_;
};

}  // namespace summond::test
