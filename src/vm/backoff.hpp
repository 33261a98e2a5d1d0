// How long a service is left alone after what went wrong with its domains. Two things are counted:
// wakes that failed in a row, and lives in a row that were short, which is what a guest has that
// reboots or crashes over and over, however well each of its wakes went.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "summond/base/clock.hpp"
#include "summond/service/wake.hpp"
#include "summond/vm/ledger.hpp"

namespace summond::vm {

class Backoff {
  public:
    // A domain that has run for so long before it ended has nothing wrong with it that building it
    // anew would repeat.
    static constexpr std::chrono::minutes long_life{5};

    // Both return how long nothing is built. The first short life costs nothing: guests may well
    // reboot once, and administrators have them do it.
    std::chrono::seconds failed(base::TimePoint now, service::WakeFailure why) {
        return wait(now, why, ++failures_);
    }
    std::chrono::seconds ended(base::TimePoint now, base::Duration lived) {
        short_lives_ = lived < long_life ? short_lives_ + 1 : 0;
        return wait(now, service::WakeFailure::keeps_ending,
                    short_lives_ > 0 ? short_lives_ - 1 : 0);
    }
    // What failed wakes there were says nothing of the next one.
    void forget_failures() { failures_ = 0; }

    // What a later process goes on with; none: nothing is wrong.
    std::optional<Setback> setback() const {
        if (failures_ == 0 && short_lives_ == 0)
            return std::nullopt;
        return Setback{failures_, short_lives_, why_, until_};
    }
    void take_over(const Setback& setback, base::TimePoint now) {
        failures_ = setback.failures;
        short_lives_ = setback.short_lives;
        why_ = setback.why;
        until_ = std::min(setback.until, now + longest);
    }

    unsigned short_lives() const { return short_lives_; }
    service::WakeFailure why() const { return why_; }  // the last time
    base::TimePoint until() const { return until_; }

  private:
    static constexpr std::chrono::seconds first{1};
    static constexpr std::chrono::seconds longest{60};

    // The nth time: 1 s, then twice as long each time.
    std::chrono::seconds wait(base::TimePoint now, service::WakeFailure why, unsigned nth) {
        auto time = nth == 0 ? std::chrono::seconds(0) : first;
        for (unsigned i = 1; i < nth && time < longest; ++i)
            time *= 2;
        time = std::min(time, longest);
        why_ = why;
        until_ = now + time;
        return time;
    }

    unsigned failures_ = 0;
    unsigned short_lives_ = 0;
    service::WakeFailure why_ = service::WakeFailure::none;
    base::TimePoint until_{};
};

}  // namespace summond::vm
