#include "domain.hpp"

#include <fmt/format.h>

#include <utility>

#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {
namespace {

constexpr std::chrono::seconds destroy_retry{5};

}  // namespace

service::Instance of_no_service(service::Id id) {
    service::Template nothing;
    nothing.id = id;
    return nothing;
}

Domain::Domain(Hypervisor& hypervisor, const base::Clock& clock, const service::Instance& service)
    : hypervisor_(hypervisor),
      clock_(clock),
      service_(service),
      ready_(service->ready),
      begun_at_(clock.now()) {}

Domain::Domain(Hypervisor& hypervisor, const base::Clock& clock, const service::Instance& service,
               const Found& found)
    : Domain(hypervisor, clock, service) {
    const bool waits = found.standby && found.run == Found::Run::paused;
    origin_ = waits ? Origin::standby : Origin::adopted;
    is_there_ = true;
    domid_ = found.domid;
    built_at_ = started_at_ = begun_at_;
}

Built Domain::made_by(Origin origin, Made done) {
    origin_ = origin;
    return [this, done = std::move(done)](tl::expected<DomId, BuildError> result) {
        if (!result) {
            done(tl::make_unexpected(std::move(result.error())));
            return;
        }
        is_there_ = true;
        domid_ = *result;
        built_at_ = clock_.now();
        done({});
    };
}

void Domain::build(unsigned number, Made done) {
    hypervisor_.domains().build(
        service_, number, made_by(number == 0 ? Origin::built : Origin::standby, std::move(done)));
}

void Domain::restore(Made done) {
    hypervisor_.snapshots().restore(service_, made_by(Origin::restored, std::move(done)));
}

base::Result<void> Domain::start() {
    auto r = hypervisor_.domains().unpause(domid_);
    started_at_ = clock_.now();
    return r;
}

void Domain::await_ready(Done done) {
    waits_ = Waits{std::move(done), clock_.now()};
    hypervisor_.domains().await_ready(domid_, service_, ready_.how, [this] {
        if (const auto waits = std::exchange(waits_, std::nullopt))
            waits->done({});
    });
}

void Domain::warm_up(std::uint16_t port) {
    hypervisor_.domains().await_ready(domid_, service_, service::ReadyTcp{port, "/"}, [] {});
}

base::Result<void> Domain::rest(const std::string& mark) {
    return hypervisor_.standby_ports().rest(domid_, service_, mark);
}

void Domain::become(const service::Instance& service) {
    service_ = service;
    ready_ = service->ready;
    origin_ = Origin::shell;
}

// A client waits: as few steps as can be, and nothing before them.
base::Result<void> Domain::wake() {
    base::Result<void> r;
    if (origin_ == Origin::shell)
        r = hypervisor_.standby_ports().become(domid_, service_);
    if (r)
        r = start();
    if (r)
        r = hypervisor_.standby_ports().join(domid_, service_);
    return r;
}

void Domain::woken_before() {
    if (const auto r = hypervisor_.standby_ports().join(domid_, service_); !r)
        spdlog::warn("{}: {}", service_.name(), r.error().what);
    woken();
}

std::string Domain::last_words() const {
    const std::string line = hypervisor_.domains().last_console_line(domid_);
    return line.empty() ? "" : fmt::format("; its console ends with \"{}\"", line);
}

void Domain::destroy(Done each_try) {
    waits_.reset();
    leaves_ = Leaves{std::move(each_try)};
    try_to_destroy();
}

void Domain::try_to_destroy() {
    leaves_->again_at.reset();
    hypervisor_.domains().destroy(domid_, [this](const base::Result<void>& result) {
        if (!result) {
            spdlog::error("could not destroy {}: domid {}: {} (trying again in {} s)",
                          service_.name(), domid_, result.error().what, destroy_retry.count());
            leaves_->again_at = clock_.now() + destroy_retry;
        }
        const auto told = leaves_->each_try;  // which may destroy this
        told(result);
    });
}

std::optional<base::TimePoint> Domain::deadline() const {
    if (leaves_)
        return leaves_->again_at;
    if (waits_)
        return waits_->since + ready_.timeout;
    return std::nullopt;
}

void Domain::tick() {
    const auto due = deadline();
    if (!due || clock_.now() < *due)
        return;
    if (leaves_) {
        try_to_destroy();
        return;
    }
    const auto waits = std::exchange(waits_, std::nullopt);
    waits->done(
        base::error(fmt::format("not ready within {} ms{}", in_ms(ready_.timeout), last_words())));
}

}  // namespace summond::vm
