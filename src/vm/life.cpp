#include "life.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace summond::vm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds first_backoff{1};
constexpr seconds longest_backoff{60};
constexpr seconds destroy_retry{5};
constexpr seconds restart_after_crash{10};
// A Touch comes up to a second after the answer that it tells of; a domain put away in between was
// put away by mistake.
constexpr seconds touch_delay{2};

long long in_ms(base::Duration d) {
    return std::chrono::duration_cast<milliseconds>(d).count();
}

const char* text(WakeReason why) {
    switch (why) {
        case WakeReason::dns:
            return "dns";
        case WakeReason::packet:
            return "packet";
        case WakeReason::restart:
            return "restart";
    }
    return "?";
}

const char* text(Death how) {
    switch (how) {
        case Death::poweroff:
            return "powered off";
        case Death::reboot:
            return "asked for a reboot";
        case Death::suspend:
            return "suspended itself";
        case Death::crash:
            return "crashed";
        case Death::watchdog:
            return "was ended by its watchdog";
        case Death::gone:
            return "was destroyed by somebody else";
    }
    return "died";
}

// Settings that a domain is built from; the rest can change under a running one.
bool same_domain(const config::Service& a, const config::Service& b) {
    const auto disks_equal = [](const config::Disk& x, const config::Disk& y) {
        return x.path == y.path && x.device == y.device && x.writable == y.writable &&
               x.format == y.format;
    };
    return a.type == b.type && a.kernel == b.kernel && a.ramdisk == b.ramdisk &&
           a.cmdline == b.cmdline && a.memory_kib == b.memory_kib &&
           a.max_memory_kib == b.max_memory_kib && a.shadow_memory_kib == b.shadow_memory_kib &&
           a.vcpus == b.vcpus && a.pvshim == b.pvshim && a.rumprun == b.rumprun &&
           a.interfaces == b.interfaces && std::ranges::equal(a.disks, b.disks, disks_equal);
}

// A domain that crashes soon after its start would do so again: after that a query has to wake it.
bool restarts(const config::Restart& restart, Death how, base::Duration lived) {
    switch (how) {
        case Death::poweroff:
            return restart.poweroff;
        case Death::reboot:
            return restart.reboot;
        case Death::watchdog:
            return restart.watchdog && lived >= restart_after_crash;
        case Death::crash:
            return restart.crash && lived >= restart_after_crash;
        case Death::suspend:
        case Death::gone:
            return false;
    }
    return false;
}

bool same_addresses(const config::Service& a, const config::Service& b) {
    return a.ipv4 == b.ipv4 && a.ipv6 == b.ipv6 && a.interfaces == b.interfaces;
}

}  // namespace

Life::Life(config::Service service, Backend& backend, const base::Clock& clock,
           std::function<void(config::ServiceId)> changed)
    : service_(std::move(service)),
      backend_(backend),
      clock_(clock),
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
        case Stage::building:
        case Stage::booting:
            status.phase = stage_ == Stage::building && !begun_ ? Phase::building : Phase::booting;
            status.since_wake = now - woken_at_;
            return status;
        case Stage::ready:
            status.phase = Phase::ready;
            return status;
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
    if (now < retry_at_) {
        status.phase = Phase::failed;
        status.failure = failure_;
        status.retry_after = retry_at_ - now;
    }
    return status;
}

void Life::enter(Stage stage) {
    stage_ = stage;
    changed_(service_.id);
}

void Life::wake(WakeReason why) {
    if (refuses_wakes() || backing_off()) {
        changed_(service_.id);
        return;
    }
    switch (stage_) {
        case Stage::absent:
            build(why, clock_.now());
            break;
        case Stage::paused:
            unpause_idle(why);
            break;
        case Stage::destroying:
            if (!wake_again_) {
                why_ = why;
                woken_at_ = clock_.now();
                wake_again_ = true;
            }
            changed_(service_.id);
            break;
        case Stage::building:
        case Stage::booting:
        case Stage::ready:
            changed_(service_.id);  // the front that asks has missed it
            break;
    }
}

void Life::touch() {
    last_asked_ = clock_.now();
    const bool away =
        stage_ == Stage::absent || stage_ == Stage::paused || stage_ == Stage::destroying;
    if (away && put_away_at_ && last_asked_ < *put_away_at_ + touch_delay)
        wake(WakeReason::dns);
}

void Life::build(WakeReason why, base::TimePoint asked_at) {
    why_ = why;
    woken_at_ = last_asked_ = asked_at;
    begun_ = false;
    enter(Stage::building);
    backend_.build(
        service_,
        [this] {
            begun_ = true;
            changed_(service_.id);
        },
        [this](tl::expected<DomId, BuildError> result) { built(std::move(result)); });
}

void Life::built(tl::expected<DomId, BuildError> result) {
    if (!result) {
        stage_ = Stage::absent;
        fail(result.error().why, result.error().what);
        return;
    }
    domid_ = *result;
    built_at_ = clock_.now();
    if (refuses_wakes()) {
        destroy();
        return;
    }
    boot();
}

void Life::boot() {
    if (const auto r = backend_.unpause(domid_); !r) {
        fail(base::WakeFailure::start_failed, r.error().what);
        return;
    }
    booted_at_ = clock_.now();
    enter(Stage::booting);
    backend_.await_ready(domid_, service_, [this, domid = domid_] {
        if (stage_ == Stage::booting && domid == domid_)
            became_ready();
    });
}

void Life::became_ready() {
    const auto now = clock_.now();
    spdlog::info("woke {}: domid {}, why {}, build {} ms, unpause {} ms, ready {} ms, total {} ms",
                 service_.name, domid_, text(why_), in_ms(built_at_ - woken_at_),
                 in_ms(booted_at_ - built_at_), in_ms(now - booted_at_), in_ms(now - woken_at_));
    failures_ = 0;
    last_traffic_ = now;
    enter(Stage::ready);
}

void Life::unpause_idle(WakeReason why) {
    why_ = why;
    woken_at_ = clock_.now();
    if (const auto r = backend_.unpause(domid_); !r) {
        fail(base::WakeFailure::start_failed, r.error().what);
        return;
    }
    const auto now = clock_.now();
    spdlog::info("woke {}: domid {}, why {}, unpause {} ms", service_.name, domid_, text(why_),
                 in_ms(now - woken_at_));
    failures_ = 0;
    last_traffic_ = now;
    enter(Stage::ready);
}

void Life::adopt(const Found& found) {
    domid_ = found.domid;
    const auto now = clock_.now();
    woken_at_ = built_at_ = booted_at_ = last_traffic_ = last_asked_ = now;
    const bool keep_paused =
        found.run == Found::Run::paused && service_.idle_action == config::IdleAction::pause;
    const bool keep = found.complete && (found.run == Found::Run::running || keep_paused);
    if (keep) {
        if (const auto r = backend_.adopt(domid_); r) {
            spdlog::info("adopted {}: domid {}, {}", service_.name, domid_,
                         keep_paused ? "paused" : "running");
            if (keep_paused) {
                enter(Stage::paused);
                return;
            }
            enter(Stage::booting);
            backend_.await_ready(domid_, service_, [this, domid = domid_] {
                if (stage_ == Stage::booting && domid == domid_) {
                    last_traffic_ = clock_.now();
                    enter(Stage::ready);
                }
            });
            return;
        }
    }
    spdlog::info("removing what is left of {}: domid {}", service_.name, domid_);
    put_away_at_ = now;  // fronts have given out its address until now
    destroy();
}

void Life::died(Death how) {
    switch (stage_) {
        case Stage::booting: {
            const std::string what = std::string("the domain ") + text(how) + " while booting";
            if (how == Death::gone)
                stage_ = Stage::absent;
            fail(base::WakeFailure::crashed, what);
            return;
        }
        case Stage::ready:
        case Stage::paused:
            if (how == Death::crash || how == Death::watchdog)
                spdlog::warn("{}: domid {} {}", service_.name, domid_, text(how));
            else
                spdlog::info("{}: domid {} {}", service_.name, domid_, text(how));
            if (how == Death::gone) {
                enter(Stage::absent);
                return;
            }
            if (restarts(service_.restart, how, clock_.now() - booted_at_) && !refuses_wakes()) {
                why_ = WakeReason::restart;
                woken_at_ = clock_.now();
                wake_again_ = true;
            }
            destroy();
            return;
        case Stage::absent:
        case Stage::building:
        case Stage::destroying:
            return;
    }
}

void Life::traffic(std::uint64_t packets) {
    const auto now = clock_.now();
    if (packets != packets_) {
        packets_ = packets;
        last_traffic_ = now;
    }
    if (stage_ != Stage::ready || !service_.idle_after || stopping_)
        return;
    if (now < last_traffic_ + *service_.idle_after)
        return;
    if (now < last_asked_ + seconds(service_.ttl))
        return;
    put_away();
}

void Life::put_away() {
    const auto now = clock_.now();
    put_away_at_ = now;
    const auto idle = std::chrono::duration_cast<seconds>(now - last_traffic_).count();
    if (service_.idle_action == config::IdleAction::pause) {
        if (const auto r = backend_.pause(domid_); r) {
            spdlog::info("paused {}: domid {}, idle for {} s", service_.name, domid_, idle);
            enter(Stage::paused);
            return;
        }
    }
    spdlog::info("destroying {}: domid {}, idle for {} s", service_.name, domid_, idle);
    destroy();
}

void Life::reconfigure(const config::Service& service) {
    const bool moved = !same_addresses(service_, service);
    const bool rebuilt = moved || !same_domain(service_, service);
    retired_ = false;
    service_ = service;
    if (!rebuilt || stage_ == Stage::absent || stage_ == Stage::destroying)
        return;
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
    if (stage_ == Stage::booting || stage_ == Stage::ready || stage_ == Stage::paused) {
        spdlog::info("destroying {}: domid {}, no longer configured", service_.name, domid_);
        destroy();
    } else {
        changed_(service_.id);
    }
}

void Life::stop() {
    stopping_ = true;
    wake_again_ = false;
    if (!service_.destroy_on_exit)
        return;
    if (stage_ == Stage::booting || stage_ == Stage::ready || stage_ == Stage::paused) {
        spdlog::info("destroying {}: domid {}, on_exit", service_.name, domid_);
        destroy();
    }
}

void Life::fail(base::WakeFailure why, const std::string& what) {
    const auto now = clock_.now();
    auto backoff = first_backoff;
    for (unsigned i = 0; i < failures_ && backoff < longest_backoff; ++i)
        backoff *= 2;
    backoff = std::min(backoff, longest_backoff);
    ++failures_;
    failure_ = why;
    retry_at_ = now + backoff;
    spdlog::error("could not wake {}: {} (after {} ms; next try in {} s at the earliest)",
                  service_.name, what, in_ms(now - woken_at_), backoff.count());
    if (stage_ == Stage::absent)
        changed_(service_.id);
    else
        destroy();
}

void Life::destroy() {
    enter(Stage::destroying);
    destroy_in_flight_ = true;
    backend_.destroy(domid_, [this](const base::Result<void>& r) { destroyed(r); });
}

void Life::destroyed(const base::Result<void>& result) {
    destroy_in_flight_ = false;
    if (!result) {
        spdlog::error("could not destroy {}: domid {}: {} (trying again in {} s)", service_.name,
                      domid_, result.error().what, destroy_retry.count());
        destroy_again_at_ = clock_.now() + destroy_retry;
        return;
    }
    if (std::exchange(wake_again_, false) && !refuses_wakes()) {
        build(why_, woken_at_);
        return;
    }
    enter(Stage::absent);
}

std::optional<base::TimePoint> Life::deadline() const {
    if (stage_ == Stage::booting)
        return booted_at_ + service_.ready.timeout;
    if (stage_ == Stage::destroying && !destroy_in_flight_)
        return destroy_again_at_;
    return std::nullopt;
}

void Life::tick() {
    const auto due = deadline();
    if (!due || clock_.now() < *due)
        return;
    if (stage_ == Stage::booting)
        fail(base::WakeFailure::not_ready,
             "not ready within " + std::to_string(in_ms(service_.ready.timeout)) + " ms");
    else
        destroy();
}

}  // namespace summond::vm
