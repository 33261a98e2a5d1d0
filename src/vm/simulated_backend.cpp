#include "summond/vm/simulated_backend.hpp"

#include <utility>

namespace summond::vm {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds build_time{40};
constexpr milliseconds boot_time{200};
constexpr milliseconds destroy_time{20};
constexpr milliseconds shutdown_time{100};
constexpr milliseconds save_time{50};
constexpr milliseconds resume_time{5};

}  // namespace

void SimulatedBackend::on_death(std::function<void(DomId, Death)> callback) {
    died_ = std::move(callback);
}

base::Result<std::vector<Found>> SimulatedBackend::find() {
    return {};
}

void SimulatedBackend::build(const service::Template&, Built done) {
    steps_.emplace(clock_.now() + build_time,
                   [this, done = std::move(done), domid = next_domid_++] {
                       alive_.insert(domid);
                       done(domid);
                   });
}

void SimulatedBackend::build_copy(const service::Template& service, unsigned, Built done) {
    build(service, std::move(done));
}

base::Result<void> SimulatedBackend::adopt(DomId) {
    return {};
}

std::optional<Found::Run> SimulatedBackend::run(DomId domid) {
    if (!alive_.contains(domid))
        return std::nullopt;
    return paused_.contains(domid) ? Found::Run::paused : Found::Run::running;
}

base::Result<void> SimulatedBackend::unpause(DomId domid) {
    paused_.erase(domid);
    return {};
}

base::Result<void> SimulatedBackend::pause(DomId domid) {
    paused_.insert(domid);
    return {};
}

base::Result<void> SimulatedBackend::shutdown(DomId domid) {
    steps_.emplace(clock_.now() + shutdown_time, [this, domid] {
        if (alive_.contains(domid))
            died_(domid, Death::poweroff);
    });
    return {};
}

void SimulatedBackend::save(DomId, const service::Template& service, Saved done) {
    steps_.emplace(clock_.now() + save_time, [this, done = std::move(done), id = service.id] {
        saved_.insert(id);
        done({});
    });
}

void SimulatedBackend::resume(DomId, Done done) {
    steps_.emplace(clock_.now() + resume_time, [done = std::move(done)] { done({}); });
}

void SimulatedBackend::restore(const service::Template& service, Built done) {
    build(service, std::move(done));
}

void SimulatedBackend::destroy(DomId domid, Done done) {
    alive_.erase(domid);
    paused_.erase(domid);
    steps_.emplace(clock_.now() + destroy_time, [done = std::move(done)] { done({}); });
}

void SimulatedBackend::await_ready(DomId domid, const service::Template&,
                                   std::function<void()> ready) {
    steps_.emplace(clock_.now() + boot_time, [this, domid, ready = std::move(ready)] {
        if (alive_.contains(domid))
            ready();
    });
}

base::Result<void> SimulatedBackend::meter(const std::vector<service::Template>& services) {
    traffic_.clear();
    for (const auto& service : services)
        traffic_.push_back({service.id, 0});
    return {};
}

base::Result<std::vector<Traffic>> SimulatedBackend::traffic() {
    return traffic_;
}

std::optional<base::TimePoint> SimulatedBackend::next_deadline() const {
    if (steps_.empty())
        return std::nullopt;
    return steps_.begin()->first;
}

void SimulatedBackend::tick() {
    while (!steps_.empty() && steps_.begin()->first <= clock_.now())
        steps_.extract(steps_.begin()).mapped()();
}

}  // namespace summond::vm
