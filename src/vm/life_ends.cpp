// A domain that ends: by itself, by somebody else or by us; and one that somebody else has
// suspended, which may be its end here.
#include <fmt/format.h>

#include <utility>

#include "life.hpp"
#include "life_log.hpp"
#include "summond/base/log.hpp"

namespace summond::vm {
namespace {

using std::chrono::seconds;

constexpr seconds destroy_retry{5};
// Nobody tells when a suspended domain is resumed.
constexpr seconds look_again_after{1};

// What the configuration says of domains that end like this: config::Restart or Preserve.
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

base::WakeFailure failure(Death how) {
    switch (how) {
        case Death::poweroff:
            return base::WakeFailure::powered_off;
        case Death::reboot:
            return base::WakeFailure::rebooted;
        case Death::gone:
            return base::WakeFailure::destroyed;
        case Death::crash:
        case Death::watchdog:
        case Death::suspend:
            break;
    }
    return base::WakeFailure::crashed;
}

}  // namespace

void Life::died(Death how) {
    switch (stage_) {
        case Stage::booting:
        case Stage::ready:
        case Stage::paused:
        case Stage::shutting_down:
            break;
        case Stage::suspended:
            if (how == Death::gone) {
                spdlog::info("{}: domid {} was taken away by who had suspended it", service_.name,
                             domid_);
                nothing_left();
            }
            return;
        case Stage::absent:
        case Stage::queued:
        case Stage::building:
        case Stage::saving:
        case Stage::destroying:
            return;
    }
    if (how == Death::suspend) {
        leave_suspended();
        return;
    }
    const bool again =
        says(service_.restart, how) && stage_ != Stage::shutting_down && !refuses_wakes();
    if (stage_ == Stage::booting && !again) {
        if (how == Death::gone || preserved(how)) {
            stage_ = Stage::absent;
            keeper_.freed();
        }
        fail(failure(how), std::string("the domain ") + text(how) + " while booting");
        return;
    }
    // One that powers off in order is none of those that would go round and round for ever.
    const bool faulty = how == Death::crash || how == Death::watchdog;
    const auto now = clock_.now();
    const auto lived = now - booted_at_;
    const auto wait = again || (faulty && stage_ != Stage::shutting_down)
                          ? backoff_.ended(now, lived)
                          : seconds(0);
    std::string what = fmt::format("{}: domid {} {}", service_.name, domid_, text(how));
    if (wait > seconds(0))
        what += fmt::format(" {} ms after its start, as {} before it: {} in {} s{}", in_ms(lived),
                            backoff_.short_lives() - 1, again ? "built again" : "next try",
                            wait.count(), again ? "" : " at the earliest");
    spdlog::log(faulty || wait > seconds(0) ? spdlog::level::warn : spdlog::level::info, "{}",
                what);
    if (how == Death::gone) {
        nothing_left();
        return;
    }
    if (again && wait > seconds(0)) {
        restart_at_ = backoff_.until();
    } else if (again) {
        if (stage_ != Stage::booting) {  // else those who wait for the wake wait on
            why_ = WakeReason::restart;
            woken_at_ = now;
        }
        wake_again_ = true;
    }
    if (stage_ != Stage::shutting_down && preserved(how))
        nothing_left();
    else
        destroy();
}

bool Life::preserved(Death how) {
    if (!says(service_.preserve, how))
        return false;
    if (const auto r = hypervisor_.domains().preserve(domid_, service_); !r) {
        spdlog::warn("{}: domid {} is not preserved: {}", service_.name, domid_, r.error().what);
        return false;
    }
    spdlog::info("{}: domid {} is preserved as {}.preserved; xl destroy removes it", service_.name,
                 domid_, service_.name);
    return true;
}

// Not by us: somebody saves it, or moves it to another host, and its state must not be lost.
void Life::leave_suspended() {
    spdlog::warn(
        "{}: domid {} was suspended by somebody else (xl save, xl migrate); it is left alone until "
        "it runs again or is gone",
        service_.name, domid_);
    was_booting_ = stage_ == Stage::booting;
    outdated_ = false;
    look_again_at_ = clock_.now() + look_again_after;
    enter(Stage::suspended);
}

void Life::look_again() {
    look_again_at_ = clock_.now() + look_again_after;
    const auto run = hypervisor_.domains().run(domid_);
    if (run == Found::Run::suspended)
        return;
    if (!run) {
        died(Death::gone);
        return;
    }
    if (const auto r = hypervisor_.domains().watch(domid_); !r)
        spdlog::error("{}: domid {}: {}", service_.name, domid_, r.error().what);
    spdlog::info("{}: domid {} runs again", service_.name, domid_);
    if (!was_booting_ || retired_ || outdated_) {
        go_on();
        return;
    }
    wake_again_ = false;
    booted_at_ = clock_.now();
    enter(Stage::booting);
    await_ready();
}

void Life::fail(base::WakeFailure why, const std::string& what) {
    const auto now = clock_.now();
    const auto backoff = backoff_.failed(now, why);
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
    hypervisor_.domains().destroy(domid_, [this](const base::Result<void>& r) { destroyed(r); });
}

void Life::destroyed(const base::Result<void>& result) {
    destroy_in_flight_ = false;
    if (!result) {
        spdlog::error("could not destroy {}: domid {}: {} (trying again in {} s)", service_.name,
                      domid_, result.error().what, destroy_retry.count());
        destroy_again_at_ = clock_.now() + destroy_retry;
        return;
    }
    nothing_left();
}

void Life::nothing_left() {
    keeper_.freed();
    if (std::exchange(wake_again_, false) && !refuses_wakes())
        build(why_, woken_at_);
    else
        enter(Stage::absent);
}

}  // namespace summond::vm
