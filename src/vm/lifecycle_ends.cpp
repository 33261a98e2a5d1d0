// A domain that ends: by itself, by somebody else or by us; and one that somebody else has
// suspended, which may be its end here.
#include <fmt/format.h>

#include <utility>

#include "lifecycle.hpp"
#include "lifecycle_log.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {
namespace {

using std::chrono::seconds;

// Nobody tells when a suspended domain is resumed.
constexpr seconds look_again_after{1};

// What the configuration says of domains that end like this: service::Restart or Preserve.
bool says(const auto& of, Death how) {
    switch (how) {
        case Death::poweroff:
            return of.poweroff;
        case Death::reboot:
            return of.reboot;
        case Death::watchdog:
            return of.watchdog;
        case Death::crash:
            return of.crash;
        case Death::suspend:
        case Death::gone:
            return false;
    }
    return false;
}

service::WakeFailure failure(Death how) {
    switch (how) {
        case Death::poweroff:
            return service::WakeFailure::powered_off;
        case Death::reboot:
            return service::WakeFailure::rebooted;
        case Death::gone:
            return service::WakeFailure::destroyed;
        case Death::crash:
        case Death::watchdog:
        case Death::suspend:
            break;
    }
    return service::WakeFailure::crashed;
}

}  // namespace

void Lifecycle::died(Death how) {
    if (in<Suspended>()) {
        if (how == Death::gone) {
            spdlog::info("{}: domid {} was taken away by who had suspended it", service_.name(),
                         its().domid());
            nothing_left(take_next());
        }
        return;
    }
    if (!can_be_destroyed())
        return;
    const bool booting = in<Booting>();
    const bool asked = in<ShuttingDown>();
    std::optional<Wake> wake;
    if (booting)
        wake = as<Booting>().wake;
    if (how == Death::suspend) {
        auto next = take_next();
        leave_suspended(release(), wake, next);
        return;
    }
    const bool again = says(service_->restart, how) && !asked && !refuses_wakes();
    if (booting && !again) {
        const std::string words = how == Death::gone ? "" : its().last_words();
        const bool left = how == Death::gone || preserved(how);
        if (left)
            hooks_.freed();
        failed(*wake, failure(how),
               fmt::format("the domain {} while booting{}", to_string(how), words));
        if (left)
            enter(Absent{});
        else
            destroy();
        return;
    }
    // One that powers off in order is none of those that would go round and round for ever.
    const bool faulty = how == Death::crash || how == Death::watchdog;
    const auto now = clock_.now();
    const auto lived = now - its().started_at();
    const auto wait = again || (faulty && !asked) ? backoff_.ended(now, lived) : seconds(0);
    std::string what =
        fmt::format("{}: domid {} {}", service_.name(), its().domid(), to_string(how));
    if (wait > seconds(0))
        what += fmt::format(" {} ms after its start, as {} before it: {} in {} s{}", in_ms(lived),
                            backoff_.short_lives() - 1, again ? "built again" : "next try",
                            wait.count(), again ? "" : " at the earliest");
    if (faulty)
        what += its().last_words();
    spdlog::log(faulty || wait > seconds(0) ? spdlog::level::warn : spdlog::level::info, "{}",
                what);
    std::optional<Wake> next = take_next();
    std::optional<base::TimePoint> restart_at;
    if (again && wait > seconds(0))
        restart_at = backoff_.until();
    else if (again && booting && wake->why)  // those who wait for the wake wait on
        next = wake;
    else if (again)
        next = Wake{service::WakeReason::restart, now};
    if (how == Death::gone || (!asked && preserved(how)))
        nothing_left(next, restart_at);
    else
        destroy(next, restart_at);
}

bool Lifecycle::preserved(Death how) {
    if (!says(service_->preserve, how))
        return false;
    if (const auto r = its().preserve(); !r) {
        spdlog::warn("{}: domid {} is not preserved: {}", service_.name(), its().domid(),
                     r.error().what);
        return false;
    }
    spdlog::info("{}: domid {} is preserved as {}.preserved; xl destroy removes it",
                 service_.name(), its().domid(), service_.name());
    return true;
}

// Not by us: somebody saves it, or moves it to another host, and its state must not be lost.
void Lifecycle::leave_suspended(Own domain, std::optional<Wake> boots, std::optional<Wake> next) {
    spdlog::warn(
        "{}: domid {} was suspended by somebody else (xl save, xl migrate); it is left alone until "
        "it runs again or is gone",
        service_.name(), domain->domid());
    domain->stop_waiting();
    enter(Suspended{std::move(domain), boots, clock_.now() + look_again_after, next});
}

void Lifecycle::look_again() {
    auto& suspended = as<Suspended>();
    suspended.look_at = clock_.now() + look_again_after;
    const auto run = its().run();
    if (run == Found::Run::suspended)
        return;
    if (!run) {
        died(Death::gone);
        return;
    }
    if (const auto r = its().watch(); !r)
        spdlog::error("{}: domid {}: {}", service_.name(), its().domid(), r.error().what);
    spdlog::info("{}: domid {} runs again", service_.name(), its().domid());
    if (!suspended.boots || retired_ || suspended.outdated) {
        go_on();
        return;
    }
    const Wake wake = *suspended.boots;
    boot(release(), wake);
}

void Lifecycle::failed(const Wake& wake, service::WakeFailure why, const std::string& what) {
    const auto now = clock_.now();
    const auto backoff = backoff_.failed(now, why);
    spdlog::error("could not wake {}: {} (after {} ms; next try in {} s at the earliest)",
                  service_.name(), what, in_ms(now - wake.asked_at), backoff.count());
    if (!wake.why)
        return;
    WakeRecord record = record_of(wake);
    record.failure = why;
    record.what = what;
    record.failed = now - wake.asked_at;
    tell(record);
}

void Lifecycle::destroy(Own domain, std::optional<Wake> next,
                        std::optional<base::TimePoint> restart_at) {
    enter(Destroying{std::move(domain), next, restart_at});
    its().destroy([this](const base::Result<void>& r) {
        if (!r) {
            hooks_.changed(service_.id());  // there is a deadline
            return;
        }
        const auto restarts = as<Destroying>().restart_at;
        nothing_left(take_next(), restarts);
    });
}

void Lifecycle::nothing_left(std::optional<Wake> next, std::optional<base::TimePoint> restart_at) {
    hooks_.freed();
    if (next && !refuses_wakes())
        request(*next);
    else
        enter(Absent{restart_at});
}

}  // namespace summond::vm
