// A domain that has become idle: put away as its service says, and awake again from there.

#include <utility>

#include "life.hpp"
#include "life_log.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// What a failed save would meet again: a full disk, for one.
constexpr minutes save_retry{1};

const char* put_away_so(config::IdleAction action) {
    return action == config::IdleAction::pause ? "paused" : "destroyed";
}

}  // namespace

void Life::traffic(const Traffic& counted) {
    const auto now = clock_.now();
    if (counted.packets != packets_) {
        packets_ = counted.packets;
        last_traffic_ = now;
    }
    if (stage_ != Stage::ready || !service_.idle_after || stopping_)
        return;
    if (now < last_traffic_ + *service_.idle_after)
        return;
    if (now < last_asked_ + seconds(service_.ttl))
        return;
    // One that the domain before had is not open any more.
    if (counted.connection_silent && now - *counted.connection_silent >= met_clients_since_)
        return;
    if (!as_left()) {
        if (!std::exchange(told_paused_, true))
            spdlog::warn(
                "{}: domid {} was paused by somebody else; it is left alone until it is unpaused",
                service_.name, domid_);
        return;
    }
    told_paused_ = false;
    put_away();
}

// Nobody else has paused or unpaused it.
bool Life::as_left() const {
    const auto run = hypervisor_.domains().run(domid_);
    return stage_ == Stage::paused ? run != Found::Run::running : run != Found::Run::paused;
}

config::IdleAction Life::idle_action() const {
    const bool fails = refuses_suspend_ || clock_.now() < save_again_at_;
    return service_.idle_action == config::IdleAction::suspend && fails ? service_.idle_else
                                                                        : service_.idle_action;
}

void Life::put_away() {
    const auto now = clock_.now();
    put_away_at_ = now;
    const auto idle = std::chrono::duration_cast<seconds>(now - last_traffic_).count();
    switch (idle_action()) {
        case config::IdleAction::suspend:
            save(idle);
            return;
        case config::IdleAction::shutdown:
            shut_down(idle);
            return;
        case config::IdleAction::pause:
            if (const auto r = hypervisor_.domains().pause(domid_); r) {
                spdlog::info("paused {}: domid {}, idle for {} s", service_.name, domid_, idle);
                enter(Stage::paused);
                return;
            }
            break;
        case config::IdleAction::destroy:
            break;
    }
    spdlog::info("destroying {}: domid {}, idle for {} s", service_.name, domid_, idle);
    destroy();
}

bool Life::evictable() const {
    return (stage_ == Stage::ready || stage_ == Stage::paused) && service_.idle_after &&
           !stopping_ && !retired_ && as_left();
}

void Life::evict() {
    const auto idle = std::chrono::duration_cast<seconds>(clock_.now() - idle_since()).count();
    spdlog::info("making room: {}, domid {}, idle for {} s", service_.name, domid_, idle);
    if (stage_ == Stage::ready && idle_action() != config::IdleAction::pause) {
        put_away();
        return;
    }
    put_away_at_ = clock_.now();
    destroy();  // a paused domain keeps its memory
}

void Life::unpause_idle(WakeReason why, base::TimePoint asked_at) {
    why_ = why;
    woken_at_ = asked_at;
    if (const auto r = hypervisor_.domains().unpause(domid_); !r) {
        fail(base::WakeFailure::start_failed, r.error().what);
        return;
    }
    const auto now = clock_.now();
    backoff_.forget_failures();
    last_traffic_ = now;
    enter(Stage::ready);
    woke(now, fmt::format("unpause {:.1f} ms", exact_ms(now - woken_at_)));
}

void Life::save(long long idle_seconds) {
    spdlog::info("suspending {}: domid {}, idle for {} s", service_.name, domid_, idle_seconds);
    outdated_ = save_stopped_ = false;
    enter(Stage::saving);
    hypervisor_.snapshots().save(domid_, service_, [this](const auto& r) { saved(r); });
}

void Life::stop_saving() {
    if (stage_ != Stage::saving)
        return;
    save_stopped_ = true;
    hypervisor_.snapshots().stop_saving(domid_);
}

void Life::saved(const tl::expected<void, SaveError>& result) {
    const auto now = clock_.now();
    if (!result) {
        if (!save_stopped_) {
            refuses_suspend_ = result.error().refused;
            save_again_at_ = now + save_retry;
            spdlog::error("could not suspend {}: domid {}: {} ({} it is {} when idle)",
                          service_.name, domid_, result.error().what,
                          refuses_suspend_ ? "from now on" : "this time",
                          put_away_so(service_.idle_else));
        }
        go_on();
        return;
    }
    spdlog::info("suspended {}: domid {}, save {} ms", service_.name, domid_,
                 in_ms(now - *put_away_at_));
    if (outdated_ || wake_again_ || retired_)
        hypervisor_.snapshots().discard(service_.id);
    if (wake_again_ && !outdated_)
        resume();  // sooner done than restoring it
    else
        destroy();
}

void Life::resume() {
    enter(Stage::saving);
    hypervisor_.domains().resume(domid_, [this](const base::Result<void>& result) {
        if (result) {
            go_on();
            return;
        }
        spdlog::error("could not resume {}: domid {}: {}", service_.name, domid_,
                      result.error().what);
        destroy();
    });
}

// It has not been suspended after all.
void Life::go_on() {
    const auto now = clock_.now();
    const bool unwanted = retired_ || (stopping_ && service_.destroy_on_exit);
    if (unwanted || outdated_) {
        spdlog::info("destroying {}: domid {}, {}", service_.name, domid_,
                     retired_    ? "no longer configured"
                     : outdated_ ? "its settings changed"
                                 : "on_exit");
        destroy();
        return;
    }
    if (std::exchange(wake_again_, false))
        woke(now, fmt::format("resume {:.1f} ms", exact_ms(now - woken_at_)));
    if (idle_action() == service_.idle_action)  // else what idle time it has had counts
        last_traffic_ = now;
    enter(Stage::ready);
}

void Life::shut_down(long long idle_seconds) {
    if (const auto r = hypervisor_.domains().shutdown(domid_); !r) {
        spdlog::warn("destroying {}: domid {}, idle for {} s; it cannot be asked to shut down: {}",
                     service_.name, domid_, idle_seconds, r.error().what);
        destroy();
        return;
    }
    spdlog::info("shutting down {}: domid {}, idle for {} s", service_.name, domid_, idle_seconds);
    shutdown_deadline_ = clock_.now() + service_.shutdown_timeout;
    enter(Stage::shutting_down);
}

}  // namespace summond::vm
