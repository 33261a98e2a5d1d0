// A domain that has become idle: put away as its service says, and awake again from there.

#include <utility>

#include "lifecycle.hpp"
#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"
#include "summond/service/domain_settings.hpp"

namespace summond::vm {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// What a failed save would meet again: a full disk, for one.
constexpr minutes save_retry{1};

const char* put_away_so(service::IdleAction action) {
    return action == service::IdleAction::pause ? "paused" : "destroyed";
}

}  // namespace

void Lifecycle::traffic(const Traffic& counted) {
    const auto now = clock_.now();
    if (counted.packets != packets_) {
        packets_ = counted.packets;
        last_traffic_ = now;
    }
    // One that the domain before had is not open any more.
    is_connected_ =
        counted.connection_silent && now - *counted.connection_silent >= met_clients_since_;
    if (!in<Ready>() || !service_->idle_after || stopping_ || wanted_up_)
        return;
    if (pinned() || now < *idle_at() || is_connected_)
        return;
    if (!as_left()) {
        if (!std::exchange(as<Ready>().told_paused, true))
            spdlog::warn(
                "{}: domid {} was paused by somebody else; it is left alone until it is unpaused",
                service_.name(), its().domid());
        return;
    }
    as<Ready>().told_paused = false;
    put_away();
}

std::optional<base::TimePoint> Lifecycle::idle_at() const {
    if (!in<Ready>() || !service_->idle_after || wanted_up_)
        return std::nullopt;
    return std::max(last_traffic_ + *service_->idle_after, last_asked_ + seconds(service_->ttl));
}

// Nobody else has paused or unpaused it.
bool Lifecycle::as_left() const {
    const auto run = domain()->run();
    return in<Paused>() ? run != Found::Run::running : run != Found::Run::paused;
}

service::IdleAction Lifecycle::idle_action() const {
    const bool fails = refuses_suspend_ || clock_.now() < save_again_at_;
    return service_->idle_action == service::IdleAction::suspend && fails ? service_->idle_else
                                                                          : service_->idle_action;
}

void Lifecycle::put_away() {
    const auto now = clock_.now();
    put_away_at_ = now;
    put_away_by_order_ = false;
    const auto idle = std::chrono::duration_cast<seconds>(now - last_traffic_).count();
    auto action = idle_action();
    // What is saved of it would never be restored.
    if (action == service::IdleAction::suspend &&
        service::domain_settings(its().service()) != service::domain_settings(service_))
        action = service::IdleAction::destroy;
    switch (action) {
        case service::IdleAction::suspend:
            save(idle);
            return;
        case service::IdleAction::shutdown:
            shut_down(idle);
            return;
        case service::IdleAction::pause:
            if (const auto r = its().pause(); r) {
                spdlog::info("paused {}: domid {}, idle for {} s", service_.name(), its().domid(),
                             idle);
                enter(Paused{release()});
                return;
            }
            break;
        case service::IdleAction::destroy:
            break;
    }
    spdlog::info("destroying {}: domid {}, idle for {} s", service_.name(), its().domid(), idle);
    destroy();
}

void Lifecycle::put_away_spare() {
    if (!may_go() || stopping_ || is_connected_ || !as_left() ||
        clock_.now() < last_asked_ + seconds(service_->ttl))
        return;
    spdlog::info("{}: the others of its service suffice", service_.name());
    put_away();
    put_away_by_order_ = true;
}

bool Lifecycle::evictable() const {
    return (in<Ready>() || in<Paused>()) && service_->idle_after && !stopping_ && !retired_ &&
           !pinned() && !wanted_up_ && as_left();
}

void Lifecycle::evict() {
    const auto idle = std::chrono::duration_cast<seconds>(clock_.now() - idle_since()).count();
    spdlog::info("making room: {}, domid {}, idle for {} s", service_.name(), its().domid(), idle);
    if (in<Ready>() && idle_action() != service::IdleAction::pause) {
        put_away();
        return;
    }
    put_away_at_ = clock_.now();
    put_away_by_order_ = false;
    destroy();  // a paused domain keeps its memory
}

void Lifecycle::unpause(const Wake& wake) {
    if (const auto r = its().unpause(); !r) {
        failed(wake, service::WakeFailure::start_failed, r.error().what);
        destroy();
        return;
    }
    const auto now = clock_.now();
    backoff_.forget_failures();
    last_traffic_ = now;
    enter(Ready{release()});
    woke(wake, now, WakeHow::unpause,
         fmt::format("unpause {:.1f} ms", exact_ms(now - wake.asked_at)));
}

void Lifecycle::save(long long idle_seconds) {
    spdlog::info("suspending {}: domid {}, idle for {} s", service_.name(), its().domid(),
                 idle_seconds);
    enter(Saving{release()});
    its().save([this](const auto& r) { saved(r); });
}

void Lifecycle::stop_saving() {
    if (!in<Saving>())
        return;
    as<Saving>().stopped = true;
    its().stop_saving();
}

void Lifecycle::saved(const tl::expected<void, SaveError>& result) {
    const auto now = clock_.now();
    const auto& saving = as<Saving>();
    if (!result) {
        if (!saving.stopped) {
            refuses_suspend_ = result.error().refused;
            save_again_at_ = now + save_retry;
            spdlog::error("could not suspend {}: domid {}: {} ({} it is {} when idle)",
                          service_.name(), its().domid(), result.error().what,
                          refuses_suspend_ ? "from now on" : "this time",
                          put_away_so(service_->idle_else));
        }
        go_on();
        return;
    }
    spdlog::info("suspended {}: domid {}, save {} ms", service_.name(), its().domid(),
                 in_ms(now - *put_away_at_));
    if (saving.outdated || saving.next || retired_)
        hypervisor_.snapshots().discard(service_.id());
    const auto next = take_next();
    if (next && !saving.outdated)
        resume(release(), next);  // sooner done than restoring it
    else
        destroy(next);
}

void Lifecycle::resume(Own domain, std::optional<Wake> next) {
    enter(Resuming{std::move(domain), next});
    its().resume([this](const base::Result<void>& result) {
        if (result) {
            go_on();
            return;
        }
        spdlog::error("could not resume {}: domid {}: {}", service_.name(), its().domid(),
                      result.error().what);
        destroy(take_next());
    });
}

// Saving, resuming, suspended: it runs, after all or again.
void Lifecycle::go_on() {
    const auto now = clock_.now();
    const bool outdated = std::visit(
        [](const auto& stage) {
            if constexpr (requires { stage.outdated; })
                return stage.outdated;
            else
                return false;
        },
        stage_);
    const auto next = take_next();
    const bool unwanted = retired_ || (stopping_ && service_->destroy_on_exit);
    if (unwanted || outdated) {
        spdlog::info("destroying {}: domid {}, {}", service_.name(), its().domid(),
                     retired_   ? "no longer configured"
                     : outdated ? "its settings changed"
                                : "on_exit");
        destroy(next);
        return;
    }
    if (idle_action() == service_->idle_action)  // else what idle time it has had counts
        last_traffic_ = now;
    enter(Ready{release()});
    if (next)
        woke(*next, now, WakeHow::resume,
             fmt::format("resume {:.1f} ms", exact_ms(now - next->asked_at)));
}

void Lifecycle::shut_down(long long idle_seconds) {
    if (const auto r = its().shutdown(); !r) {
        spdlog::warn("destroying {}: domid {}, idle for {} s; it cannot be asked to shut down: {}",
                     service_.name(), its().domid(), idle_seconds, r.error().what);
        destroy();
        return;
    }
    spdlog::info("shutting down {}: domid {}, idle for {} s", service_.name(), its().domid(),
                 idle_seconds);
    enter(ShuttingDown{release(), clock_.now() + service_->shutdown_timeout});
}

}  // namespace summond::vm
