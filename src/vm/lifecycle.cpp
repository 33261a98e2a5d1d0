#include "lifecycle.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"
#include "summond/service/domain_settings.hpp"
#include "transitions.hpp"

namespace summond::vm {
namespace {

// A Touch comes up to a second after the answer that it tells of; a domain put away in between was
// put away by mistake.
constexpr std::chrono::seconds touch_delay{2};

bool same_addresses(const service::Instance& a, const service::Instance& b) {
    return a.ipv4() == b.ipv4() && a.ipv6() == b.ipv6() && a->interfaces == b->interfaces;
}

}  // namespace

Lifecycle::Lifecycle(service::Instance service, Hypervisor& hypervisor, const base::Clock& clock,
                     const base::WallClock& wall_clock, Hooks hooks)
    : service_(std::move(service)),
      hypervisor_(hypervisor),
      clock_(clock),
      wall_clock_(wall_clock),
      hooks_(std::move(hooks)),
      stage_(Absent{}),
      stage_since_(clock.now()) {
    read_schedule();
}

static_assert(std::variant_size_v<Lifecycle::Stage> == static_cast<std::size_t>(At::last) + 1);

void Lifecycle::go(Stage stage) {
    assert(is_transition(stage_.index(), stage.index()));
    wake_of_guest_ = 0;
    stage_ = std::move(stage);
    stage_since_ = clock_.now();
    if (in<Absent>())
        waiting_ = {};
    if (in<Ready>() || waking())
        rest_.reset();
    if (const Wake* wake = wake_under_way(); wake != nullptr && wake->why)
        last_why_ = wake->why;
}

void Lifecycle::enter(Stage stage) {
    go(std::move(stage));
    hooks_.changed(service_.id());
}

const Domain* Lifecycle::domain() const {
    return std::visit(
        [](const auto& stage) -> const Domain* {
            if constexpr (requires { stage.domain; })
                return stage.domain.get();
            else
                return nullptr;
        },
        stage_);
}

// For the next stage.
Lifecycle::Own Lifecycle::release() {
    return std::visit(
        [](auto& stage) -> Own {
            if constexpr (requires { stage.domain; })
                return std::move(stage.domain);
            else
                return nullptr;
        },
        stage_);
}

std::optional<Lifecycle::Wake>* Lifecycle::next() {
    return std::visit(
        [](auto& stage) -> std::optional<Wake>* {
            if constexpr (requires { stage.next; })
                return &stage.next;
            else
                return nullptr;
        },
        stage_);
}

std::optional<Lifecycle::Wake> Lifecycle::take_next() {
    auto* wanted = next();
    return wanted == nullptr ? std::nullopt : std::exchange(*wanted, std::nullopt);
}

// What was to come after this stage does not.
void Lifecycle::forget_wishes() {
    take_next();
    if (auto* absent = std::get_if<Absent>(&stage_))
        absent->restart_at.reset();
    if (auto* destroying = std::get_if<Destroying>(&stage_))
        destroying->restart_at.reset();
}

service::Phase Lifecycle::phase() const {
    using service::Phase;
    if (retired_)
        return Phase::failed;
    if (in<Ready>())
        return Phase::ready;
    if (in<Booting>())
        return Phase::booting;
    if (wake_under_way() != nullptr)
        return Phase::building;
    return backing_off() || drained_ ? Phase::failed : Phase::asleep;
}

const Lifecycle::Wake* Lifecycle::wake_under_way() const {
    return std::visit(
        [](const auto& stage) -> const Wake* {
            if constexpr (requires { stage.wake; })
                return &stage.wake;
            else if constexpr (requires { stage.next; })
                return stage.next ? &*stage.next : nullptr;
            else
                return nullptr;
        },
        stage_);
}

service::Status Lifecycle::status(std::optional<DomId> booted_spare) const {
    if (retired_)
        return service::unknown(service_.id());
    service::Status status{.service = service_.id(), .phase = phase()};
    if (in<Booting>() || in<Ready>() || in<Paused>())
        status.domid = domain()->domid();
    switch (status.phase) {
        case service::Phase::building:
        case service::Phase::booting:
            status.woken_at = wake_under_way()->asked_at;
            break;
        case service::Phase::failed:
            if (drained_) {
                status.failure = service::WakeFailure::drained;
                break;
            }
            status.failure = backoff_.why();
            status.retry_at = backoff_.until();
            break;
        case service::Phase::asleep:
            status.remembers = remembers();
            if (in<Absent>() && may_wake() && !status.remembers)
                status.standby = booted_spare;
            status.at_once = (in<Paused>() && may_wake()) || status.standby;
            break;
        case service::Phase::ready:
            break;
    }
    return status;
}

service::Report Lifecycle::report(std::optional<DomId> booted_instance) const {
    service::Report report{.status = status(booted_instance),
                           .stage = static_cast<service::Stage>(stage_.index()),
                           .since = stage_since_,
                           .memory_kib = memory_kib(),
                           .why = last_why_,
                           .idle_at = idle_at(),
                           .pinned = pinned()};
    report.saved = in<Absent>() && report.status.remembers;
    if (report.pinned)
        report.pinned_until = pin_->until;
    for (const auto& count : wakes_.by_reason)
        report.wakes += count.wakes;
    return report;
}

bool Lifecycle::remembers() const {
    return in<Paused>() || in<Saving>() || in<Resuming>() ||
           ((in<Absent>() || in<Destroying>()) && hypervisor_.snapshots().has(service_));
}

std::uint64_t Lifecycle::memory_kib() const {
    const Domain* present = domain();
    return present == nullptr ? 0 : service::footprint_kib(*present->service());
}

void Lifecycle::wake(service::WakeReason why, base::TimePoint asked_at, std::uint16_t query_type,
                     bool forced) {
    const Wake wake{why, asked_at, {}, query_type};
    if (!may_wake() && (refuses_wakes() || !forced)) {
        hooks_.changed(service_.id());
    } else if (in<Absent>()) {
        request(wake);
    } else if (in<Paused>()) {
        unpause(wake);
    } else {
        if (auto* wanted = next(); wanted != nullptr && !*wanted) {
            *wanted = wake;
            stop_saving();
        }
        hooks_.changed(service_.id());  // where it is on its way or there: who asks has missed it
    }
}

void Lifecycle::touch() {
    last_asked_ = clock_.now();
    const bool here = waking() || in<Ready>();
    if (!here && put_away_at_ && !put_away_by_order_ && last_asked_ < *put_away_at_ + touch_delay)
        wake(service::WakeReason::dns, last_asked_);
}

void Lifecycle::request(Wake wake) {
    last_asked_ = wake.asked_at;
    ask({wake, hypervisor_.snapshots().has(service_)});
}

// Whoever gives out domains may have one at once: nobody is told before that is known.
void Lifecycle::ask(Queued queued) {
    go(std::move(queued));
    hooks_.wants_domain(*this);
    if (in<Queued>())
        hooks_.changed(service_.id());
}

void Lifecycle::leave_queue() {
    if (in<Queued>())
        go(Absent{});
}

void Lifecycle::admit() {
    Queued queued = as<Queued>();
    queued.wake.admitted_at = clock_.now();
    enter(Building{std::make_unique<Domain>(hypervisor_, clock_, service_), queued.wake});
    auto done = [this](tl::expected<void, BuildError> result) { built(std::move(result)); };
    if (queued.restores)
        its().restore(std::move(done));
    else
        its().build(0, std::move(done));
}

void Lifecycle::refuse(service::WakeFailure why, const std::string& what) {
    backoff_.forget_failures();  // it is not the service that fails
    failed(as<Queued>().wake, why, what);
    enter(Absent{});
}

void Lifecycle::give_up() {
    const Queued queued = as<Queued>();
    failed(queued.wake, queued.starved->why, queued.starved->what);
    enter(Absent{});
}

// One that does not wake is no good to anybody: the next one, or a build, takes its place.
void Lifecycle::give_spare(Own standby) {
    Wake wake = as<Queued>().wake;
    wake.admitted_at = clock_.now();
    const auto r = standby->wake();
    met_clients_since_ = standby->started_at();
    if (!r) {
        spdlog::error("could not wake {} of {}: domid {}: {}",
                      standby->origin() == Domain::Origin::shell ? "a shell" : "a standby copy",
                      service_.name(), standby->domid(), r.error().what);
        destroy(std::move(standby), wake, {});
        return;
    }
    if (standby->origin() == Domain::Origin::standby &&
        standby->service()->standby.stage == service::StandbyStage::booted)
        became_ready(std::move(standby), wake);
    else
        boot(std::move(standby), wake);
    its().woken();
}

void Lifecycle::built(tl::expected<void, BuildError> result) {
    const Wake wake = as<Building>().wake;
    const bool restored = its().origin() == Domain::Origin::restored;
    if (result) {
        start();
        return;
    }
    const BuildError error = std::move(result.error());
    if (restored && error.image_broken) {
        spdlog::warn("{} cannot be restored and is booted anew: {}", service_.name(), error.what);
        hypervisor_.snapshots().discard(service_.id());
        if (refuses_wakes())
            enter(Absent{});
        else
            request(wake);
    } else if (error.why == service::WakeFailure::no_memory && !refuses_wakes()) {
        ask({wake, restored, error});
    } else {
        failed(wake, error.why, error.what);
        enter(Absent{});
    }
}

void Lifecycle::start() {
    const Wake wake = as<Building>().wake;
    if (refuses_wakes()) {
        destroy();
        return;
    }
    // Before it runs: a file that is older than what its guest has done since must never be there.
    const bool restored = its().origin() == Domain::Origin::restored;
    if (restored)
        hypervisor_.snapshots().discard(service_.id());
    if (const auto r = its().start(); !r) {
        failed(wake, service::WakeFailure::start_failed, r.error().what);
        destroy();
        return;
    }
    if (!restored)
        met_clients_since_ = its().started_at();
    boot(release(), wake);
}

void Lifecycle::boot(Own domain, const Wake& wake) {
    enter(Booting{std::move(domain), wake});
    its().await_ready([this](const base::Result<void>& r) {
        const Wake waits = as<Booting>().wake;
        if (r) {
            became_ready(release(), waits);
            return;
        }
        failed(waits, service::WakeFailure::not_ready, r.error().what);
        destroy();
    });
}

void Lifecycle::became_ready(Own domain, const Wake& wake) {
    const auto now = clock_.now();
    backoff_.forget_failures();
    last_traffic_ = now;
    enter(Ready{std::move(domain)});  // before the log, which may be slow: queries wait for this
    if (!wake.why)
        return;
    const bool standby = its().origin() == Domain::Origin::standby;
    const bool shell = its().origin() == Domain::Origin::shell;
    if (standby)
        wakes_.from_standby.add(now - wake.asked_at);
    const bool restored = its().origin() == Domain::Origin::restored;
    const std::string what =
        standby ? fmt::format("standby {}", to_string(its().service()->standby.stage))
        : shell ? "shell"
                : fmt::format("{} {:.1f} ms", restored ? "restore" : "build",
                              exact_ms(its().built_at() - wake.asked_at));
    const auto started = its().started_at();
    const auto had = standby || shell ? wake.asked_at : its().built_at();
    woke(wake, now,
         standby    ? WakeHow::standby
         : shell    ? WakeHow::shell
         : restored ? WakeHow::restore
                    : WakeHow::build,
         fmt::format("{}, unpause {:.1f} ms, ready {:.1f} ms, total {:.1f} ms", what,
                     exact_ms(started - had), exact_ms(now - started),
                     exact_ms(now - wake.asked_at)));
}

void Lifecycle::adopt(const Found& found) {
    using Run = Found::Run;
    auto domain = std::make_unique<Domain>(hypervisor_, clock_, service_, found);
    const auto now = clock_.now();
    if (found.run != Run::paused || idle_since() == base::TimePoint{})  // else as it is remembered
        last_traffic_ = last_asked_ = now;
    met_clients_since_ = {};
    // A file of it is there only if all of its state is in that file: it had been saved and not yet
    // destroyed, or restored and not yet unpaused.
    const bool saved = found.run != Run::running && hypervisor_.snapshots().has(service_);
    const bool paused_by_us = service_->idle_action == service::IdleAction::pause ||
                              service_->idle_action == service::IdleAction::suspend;
    const bool keep = found.complete && !saved &&
                      (found.run == Run::running || found.run == Run::suspended ||
                       (found.run == Run::paused && paused_by_us));
    if (!keep || !domain->adopt()) {
        if (saved)
            spdlog::info("{} is suspended; removing its domid {}", service_.name(), found.domid);
        else
            spdlog::info("removing what is left of {}: domid {}", service_.name(), found.domid);
        put_away_at_ = now;  // fronts have given out its address until now
        destroy(std::move(domain), {}, {});
        return;
    }
    spdlog::info("adopted {}: domid {}, {}", service_.name(), found.domid,
                 found.run == Run::paused      ? "paused"
                 : found.run == Run::suspended ? "suspended but not saved"
                                               : "running");
    if (found.run == Run::paused) {
        enter(Paused{std::move(domain)});
    } else if (found.run == Run::suspended && found.saving) {
        resume(std::move(domain), {});
    } else if (found.run == Run::suspended) {
        leave_suspended(std::move(domain));
    } else {
        hypervisor_.snapshots().discard(service_.id());
        boot(std::move(domain), {{}, now});
        if (found.standby)
            its().woken_before();
    }
}

void Lifecycle::reconfigure(const service::Instance& service) {
    const bool moved = !same_addresses(service_, service);
    const bool rebuilt =
        moved || service::domain_settings(service_) != service::domain_settings(service);
    retired_ = false;
    refuses_suspend_ = false;  // its kernel may be another one
    save_again_at_ = {};
    const bool scheduled_anew = service_->keep != service->keep || service_->min != service->min;
    service_ = service;
    if (scheduled_anew)
        read_schedule();
    if (domain() == nullptr)
        return;
    its().set_ready(service->ready);
    if (!rebuilt || in<ShuttingDown>() || in<Destroying>())
        return;
    if (in<Saving>() || in<Resuming>() || in<Suspended>()) {
        std::visit(
            [](auto& stage) {
                if constexpr (requires { stage.outdated; })
                    stage.outdated = true;
            },
            stage_);
        stop_saving();
        return;
    }
    if (moved && !in<Building>()) {
        spdlog::info("destroying {}: domid {}, its addresses changed", service_.name(),
                     its().domid());
        destroy();
        return;
    }
    spdlog::info("{}: the new settings take effect when its domain is next built", service_.name());
}

void Lifecycle::retire() {
    retired_ = true;
    forget_wishes();
    if (can_be_destroyed()) {
        spdlog::info("destroying {}: domid {}, no longer configured", service_.name(),
                     its().domid());
        destroy();
        return;
    }
    stop_saving();
    leave_queue();
    hooks_.changed(service_.id());
}

std::optional<base::TimePoint> Lifecycle::forgettable_at() const {
    const auto* absent = std::get_if<Absent>(&stage_);
    if (absent == nullptr || absent->restart_at || (pin_ && !pin_->until))
        return std::nullopt;
    if (retired_)
        return stage_since_;
    // Answers that have gone out until now are told of a little later.
    return std::max({stage_since_ + touch_delay + touch_delay, backoff_.until(),
                     pin_ ? *pin_->until : base::TimePoint{}});
}

void Lifecycle::stop() {
    stopping_ = true;
    forget_wishes();
    stop_saving();
    leave_queue();
    if (service_->destroy_on_exit && can_be_destroyed()) {
        spdlog::info("destroying {}: domid {}, on_exit", service_.name(), its().domid());
        destroy();
    }
}

std::optional<base::TimePoint> Lifecycle::deadline() const {
    const auto own = stage_deadline();
    const auto schedule = schedule_deadline();
    return own && schedule ? std::min(*own, *schedule) : own ? own : schedule;
}

std::optional<base::TimePoint> Lifecycle::stage_deadline() const {
    if (const auto* absent = std::get_if<Absent>(&stage_))
        return absent->restart_at;
    if (const auto* suspended = std::get_if<Suspended>(&stage_))
        return suspended->look_at;
    if (const auto* shutting_down = std::get_if<ShuttingDown>(&stage_))
        return shutting_down->until;
    return domain() == nullptr ? std::nullopt : domain()->deadline();
}

void Lifecycle::tick() {
    follow_schedule();
    const auto due = stage_deadline();
    if (!due || clock_.now() < *due)
        return;
    if (in<Absent>()) {
        request({service::WakeReason::restart, clock_.now()});
    } else if (in<Suspended>()) {
        look_again();
    } else if (in<ShuttingDown>()) {
        spdlog::info("destroying {}: domid {}, did not shut down within {} ms", service_.name(),
                     its().domid(), in_ms(service_->shutdown_timeout));
        destroy(take_next());
    } else {
        its().tick();
    }
}

}  // namespace summond::vm
