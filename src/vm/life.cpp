#include "life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "life_log.hpp"
#include "summond/base/log.hpp"
#include "summond/vm/domain_settings.hpp"

namespace summond::vm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A Touch comes up to a second after the answer that it tells of; a domain put away in between was
// put away by mistake.
constexpr seconds touch_delay{2};

bool same_addresses(const config::Service& a, const config::Service& b) {
    return a.ipv4 == b.ipv4 && a.ipv6 == b.ipv6 && a.interfaces == b.interfaces;
}

}  // namespace

Life::Life(config::Service service, Hypervisor& hypervisor, const base::Clock& clock,
           Keeper& keeper, std::function<void(config::ServiceId)> changed)
    : service_(std::move(service)),
      hypervisor_(hypervisor),
      clock_(clock),
      keeper_(keeper),
      changed_(std::move(changed)) {}

Status Life::status() const {
    Status status;
    const auto now = clock_.now();
    if (retired_) {
        status.phase = Phase::failed;
        status.failure = base::WakeFailure::refused;
        return status;
    }
    switch (stage_) {
        case Stage::queued:
        case Stage::building:
        case Stage::booting:
            status.phase = stage_ == Stage::booting ? Phase::booting : Phase::building;
            status.since_wake = now - woken_at_;
            return status;
        case Stage::ready:
            status.phase = Phase::ready;
            return status;
        case Stage::saving:
        case Stage::suspended:
        case Stage::shutting_down:
        case Stage::destroying:
            if (wake_again_) {
                status.phase = Phase::building;
                status.since_wake = now - woken_at_;
                return status;
            }
            break;
        case Stage::absent:
        case Stage::paused:
            break;
    }
    if (backing_off()) {
        status.phase = Phase::failed;
        status.failure = backoff_.why();
        status.retry_after = backoff_.until() - now;
    }
    return status;
}

void Life::enter(Stage stage) {
    stage_ = stage;
    changed_(service_.id);
}

void Life::wake(WakeReason why, base::TimePoint asked_at) {
    if (!may_wake()) {
        changed_(service_.id);
        return;
    }
    switch (stage_) {
        case Stage::absent:
            build(why, asked_at);
            break;
        case Stage::paused:
            unpause_idle(why, asked_at);
            break;
        case Stage::saving:
        case Stage::suspended:
        case Stage::shutting_down:
        case Stage::destroying:
            if (!wake_again_) {
                why_ = why;
                woken_at_ = asked_at;
                wake_again_ = true;
                stop_saving();
            }
            changed_(service_.id);
            break;
        case Stage::queued:
        case Stage::building:
        case Stage::booting:
        case Stage::ready:
            changed_(service_.id);  // the front that asks has missed it
            break;
    }
}

void Life::touch() {
    last_asked_ = clock_.now();
    const bool here = stage_ == Stage::queued || stage_ == Stage::building ||
                      stage_ == Stage::booting || stage_ == Stage::ready;
    if (!here && put_away_at_ && last_asked_ < *put_away_at_ + touch_delay)
        wake(WakeReason::dns, last_asked_);
}

void Life::build(WakeReason why, base::TimePoint asked_at) {
    stage_ = Stage::absent;  // whatever there was before
    restart_at_.reset();
    why_ = why;
    woken_at_ = last_asked_ = asked_at;
    restoring_ = hypervisor_.snapshots().has(service_);
    standby_.reset();
    if (!restoring_) {
        if (const auto copy = keeper_.take_copy(service_.id)) {
            wake_copy(*copy);
            return;
        }
    }
    if (keeper_.has_room(*this))
        start();
    else
        queue();
}

void Life::queue() {
    queued_until_ = woken_at_ + keeper_.longest_wait();
    enter(Stage::queued);
}

void Life::start() {
    memory_kib_ = footprint_kib(service_);
    enter(Stage::building);
    auto done = [this](tl::expected<DomId, BuildError> result) { built(std::move(result)); };
    if (restoring_)
        hypervisor_.snapshots().restore(service_, std::move(done));
    else
        hypervisor_.domains().build(service_, 0, std::move(done));
}

void Life::built(tl::expected<DomId, BuildError> result) {
    if (!result && restoring_ && result.error().image_broken) {
        spdlog::warn("{} cannot be restored and is booted anew: {}", service_.name,
                     result.error().what);
        hypervisor_.snapshots().discard(service_.id);
        if (refuses_wakes())
            enter(Stage::absent);
        else
            build(why_, woken_at_);
        return;
    }
    if (!result) {
        stage_ = Stage::absent;
        if (result.error().why == base::WakeFailure::no_memory && !refuses_wakes() &&
            clock_.now() < woken_at_ + keeper_.longest_wait() && keeper_.finds_memory(*this)) {
            queue();
            return;
        }
        fail(result.error().why, result.error().what);
        return;
    }
    domid_ = *result;
    built_at_ = clock_.now();
    if (refuses_wakes()) {
        destroy();
        return;
    }
    // Before it runs: a file that is older than what its guest has done since must never be there.
    if (restoring_)
        hypervisor_.snapshots().discard(service_.id);
    boot();
}

// A copy that does not wake is no good to anybody: the next one, or a build, takes its place.
void Life::wake_copy(const Standby::Copy& copy) {
    domid_ = copy.domid;
    memory_kib_ = copy.memory_kib;
    standby_ = copy.stage;
    built_at_ = clock_.now();
    auto r = hypervisor_.domains().unpause(domid_);
    booted_at_ = met_clients_since_ = clock_.now();
    if (r)
        r = hypervisor_.standby_ports().join(domid_, service_);
    if (!r) {
        spdlog::error("could not wake a standby copy of {}: domid {}: {}", service_.name, domid_,
                      r.error().what);
        wake_again_ = true;
        destroy();
        return;
    }
    if (copy.stage == config::StandbyStage::booted) {
        became_ready();
    } else {
        enter(Stage::booting);
        await_ready();
    }
    hypervisor_.standby_ports().woken(domid_, service_);
}

void Life::boot() {
    if (const auto r = hypervisor_.domains().unpause(domid_); !r) {
        fail(base::WakeFailure::start_failed, r.error().what);
        return;
    }
    booted_at_ = clock_.now();
    if (!restoring_)
        met_clients_since_ = booted_at_;
    enter(Stage::booting);
    await_ready();
}

void Life::await_ready() {
    hypervisor_.domains().await_ready(domid_, service_, [this, domid = domid_] {
        if (stage_ == Stage::booting && domid == domid_)
            became_ready();
    });
}

void Life::became_ready() {
    const auto now = clock_.now();
    backoff_.forget_failures();
    last_traffic_ = now;
    enter(Stage::ready);  // before the log, which may be slow: queries wait for this
    if (standby_)
        wakes_.from_standby.add(now - woken_at_);
    const std::string what = standby_
                                 ? fmt::format("standby {}", text(*standby_))
                                 : fmt::format("{} {:.1f} ms", restoring_ ? "restore" : "build",
                                               exact_ms(built_at_ - woken_at_));
    woke(now, fmt::format("{}, unpause {:.1f} ms, ready {:.1f} ms, total {:.1f} ms", what,
                          exact_ms(booted_at_ - built_at_), exact_ms(now - booted_at_),
                          exact_ms(now - woken_at_)));
}

void Life::woke(base::TimePoint at, const std::string& how) {
    wakes_.of(why_).add(at - woken_at_);
    spdlog::info("woke {}: domid {}, why {}, {} ({})", service_.name, domid_, text(why_), how,
                 text(wakes_));
    hypervisor_.wake_counters().show(service_, wakes_);
}

void Life::adopt(const Found& found) {
    domid_ = found.domid;
    memory_kib_ = footprint_kib(service_);
    const auto now = clock_.now();
    woken_at_ = built_at_ = booted_at_ = last_traffic_ = last_asked_ = now;
    met_clients_since_ = {};
    // A file of it is there only if all of its state is in that file: it had been saved and not yet
    // destroyed, or restored and not yet unpaused.
    const bool saved = found.run != Found::Run::running && hypervisor_.snapshots().has(service_);
    const bool paused_by_us = service_.idle_action == config::IdleAction::pause ||
                              service_.idle_action == config::IdleAction::suspend;
    const bool keep_paused = found.run == Found::Run::paused && paused_by_us;
    const bool keep =
        found.complete && !saved &&
        (found.run == Found::Run::running || found.run == Found::Run::suspended || keep_paused);
    if (keep) {
        if (const auto r = hypervisor_.domains().adopt(domid_); r) {
            const bool suspended = found.run == Found::Run::suspended;
            spdlog::info("adopted {}: domid {}, {}", service_.name, domid_,
                         keep_paused ? "paused"
                         : suspended ? "suspended but not saved"
                                     : "running");
            if (keep_paused) {
                enter(Stage::paused);
                return;
            }
            if (suspended && found.saving) {
                resume();
                return;
            }
            if (suspended) {
                leave_suspended();
                return;
            }
            hypervisor_.snapshots().discard(service_.id);
            enter(Stage::booting);
            hypervisor_.domains().await_ready(domid_, service_, [this, domid = domid_] {
                if (stage_ == Stage::booting && domid == domid_) {
                    last_traffic_ = clock_.now();
                    enter(Stage::ready);
                }
            });
            return;
        }
    }
    if (saved)
        spdlog::info("{} is suspended; removing its domid {}", service_.name, domid_);
    else
        spdlog::info("removing what is left of {}: domid {}", service_.name, domid_);
    put_away_at_ = now;  // fronts have given out its address until now
    destroy();
}

void Life::reconfigure(const config::Service& service) {
    const bool moved = !same_addresses(service_, service);
    const bool rebuilt = moved || domain_settings(service_) != domain_settings(service);
    retired_ = false;
    refuses_suspend_ = false;  // its kernel may be another one
    save_again_at_ = {};
    service_ = service;
    if (!rebuilt || stage_ == Stage::absent || stage_ == Stage::queued ||
        stage_ == Stage::shutting_down || stage_ == Stage::destroying)
        return;
    if (stage_ == Stage::saving || stage_ == Stage::suspended) {
        outdated_ = true;
        stop_saving();
        return;
    }
    if (moved && stage_ != Stage::building) {
        spdlog::info("destroying {}: domid {}, its addresses changed", service_.name, domid_);
        destroy();
        return;
    }
    spdlog::info("{}: the new settings take effect when its domain is next built", service_.name);
}

void Life::retire() {
    retired_ = true;
    wake_again_ = false;
    restart_at_.reset();
    if (can_be_destroyed()) {
        spdlog::info("destroying {}: domid {}, no longer configured", service_.name, domid_);
        destroy();
        return;
    }
    stop_saving();
    leave_queue();
    changed_(service_.id);
}

void Life::stop() {
    stopping_ = true;
    wake_again_ = false;
    restart_at_.reset();
    stop_saving();
    leave_queue();
    if (service_.destroy_on_exit && can_be_destroyed()) {
        spdlog::info("destroying {}: domid {}, on_exit", service_.name, domid_);
        destroy();
    }
}

void Life::leave_queue() {
    if (stage_ == Stage::queued)
        stage_ = Stage::absent;
}

std::optional<base::TimePoint> Life::deadline() const {
    if (stage_ == Stage::absent)
        return restart_at_;
    if (stage_ == Stage::queued)
        return queued_until_;
    if (stage_ == Stage::suspended)
        return look_again_at_;
    if (stage_ == Stage::booting)
        return booted_at_ + service_.ready.timeout;
    if (stage_ == Stage::shutting_down)
        return shutdown_deadline_;
    if (stage_ == Stage::destroying && !destroy_in_flight_)
        return destroy_again_at_;
    return std::nullopt;
}

void Life::tick() {
    const auto due = deadline();
    if (!due || clock_.now() < *due)
        return;
    if (stage_ == Stage::absent) {
        build(WakeReason::restart, clock_.now());
        return;
    }
    if (stage_ == Stage::suspended) {
        look_again();
        return;
    }
    if (stage_ == Stage::queued) {
        const base::WakeFailure shortage = keeper_.shortage(*this);
        const char* const why =
            shortage == base::WakeFailure::domain_limit   ? " (limit of domains reached)"
            : shortage == base::WakeFailure::memory_limit ? " (limit of memory reached)"
                                                          : " (Xen has not enough memory)";
        leave_queue();
        backoff_.forget_failures();  // it is not the service that fails
        fail(shortage, "no room for its domain within " +
                           std::to_string(in_ms(keeper_.longest_wait())) + " ms" + why);
        return;
    }
    if (stage_ == Stage::booting)
        fail(base::WakeFailure::not_ready,
             "not ready within " + std::to_string(in_ms(service_.ready.timeout)) + " ms");
    else {
        if (stage_ == Stage::shutting_down)
            spdlog::info("destroying {}: domid {}, did not shut down within {} ms", service_.name,
                         domid_, in_ms(service_.shutdown_timeout));
        destroy();
    }
}

}  // namespace summond::vm
