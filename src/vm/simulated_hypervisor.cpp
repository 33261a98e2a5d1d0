#include "summond/vm/simulated_hypervisor.hpp"

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

void SimulatedHypervisor::on_death(std::function<void(DomId, Death)> callback) {
    died_ = std::move(callback);
}

void SimulatedHypervisor::build(const service::Instance&, unsigned, Built done) {
    later_(build_time, [this, done = std::move(done), domid = next_domid_++] {
        alive_.insert(domid);
        done(domid);
    });
}

std::optional<Found::Run> SimulatedHypervisor::run(DomId domid) {
    if (!alive_.contains(domid))
        return std::nullopt;
    return paused_.contains(domid) ? Found::Run::paused : Found::Run::running;
}

base::Result<void> SimulatedHypervisor::unpause(DomId domid) {
    paused_.erase(domid);
    return {};
}

base::Result<void> SimulatedHypervisor::pause(DomId domid) {
    paused_.insert(domid);
    return {};
}

base::Result<void> SimulatedHypervisor::shutdown(DomId domid) {
    later_(shutdown_time, [this, domid] {
        if (alive_.contains(domid))
            died_(domid, Death::poweroff);
    });
    return {};
}

void SimulatedHypervisor::resume(DomId, Done done) {
    later_(resume_time, [done = std::move(done)] { done({}); });
}

void SimulatedHypervisor::await_ready(DomId domid, const service::Instance&,
                                      const service::ReadyHow&, std::function<void()> ready) {
    later_(boot_time, [this, domid, ready = std::move(ready)] {
        if (alive_.contains(domid))
            ready();
    });
}

base::Result<void> SimulatedHypervisor::preserve(DomId domid, const service::Instance&) {
    alive_.erase(domid);
    return {};
}

void SimulatedHypervisor::destroy(DomId domid, Done done) {
    alive_.erase(domid);
    paused_.erase(domid);
    later_(destroy_time, [done = std::move(done)] { done({}); });
}

void SimulatedHypervisor::save(DomId, const service::Instance& service, Saved done) {
    later_(save_time, [this, done = std::move(done), id = service.id()] {
        saved_.insert(id);
        done({});
    });
}

void SimulatedHypervisor::restore(const service::Instance& service, Built done) {
    build(service, 0, std::move(done));
}

base::Result<void> SimulatedHypervisor::count(const std::vector<service::Instance>& services) {
    traffic_.clear();
    for (const auto& service : services)
        traffic_.push_back({service.id(), 0});
    return {};
}

base::Result<void> SimulatedHypervisor::count_also(const service::Instance& service) {
    traffic_.push_back({service.id(), 0});
    return {};
}

void SimulatedHypervisor::forget(service::Id service) {
    std::erase_if(traffic_, [service](const Traffic& each) { return each.service == service; });
}

}  // namespace summond::vm
