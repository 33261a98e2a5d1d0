// One service's domain from absent to absent: the state machine of docs/ARCHITECTURE.md, "The life
// of a domain". At most one backend operation is in flight for a service. vmm's thread only.
#pragma once

#include <functional>
#include <optional>

#include "summond/base/clock.hpp"
#include "summond/vm/backend.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

class Life {
  public:
    enum class Stage : std::uint8_t {
        absent,
        building,  // or restoring
        booting,
        ready,
        paused,
        saving,  // to disk; or resuming, where that was in vain
        shutting_down,
        destroying,
    };

    Life(config::Service service, Backend& backend, const base::Clock& clock,
         std::function<void(config::ServiceId)> changed);
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    Stage stage() const { return stage_; }
    DomId domid() const { return domid_; }  // from booting on
    const config::Service& service() const { return service_; }
    Status status() const;

    void wake(WakeReason why);
    void touch();
    void adopt(const Found& found);
    void died(Death how);
    // packets: the meter's count now. Puts the domain away when its idle time is over.
    void traffic(std::uint64_t packets);
    void reconfigure(const config::Service& service);
    // The service left the configuration: ends its domain; gone() once nothing is left of it.
    void retire();
    bool retired() const { return retired_; }
    bool gone() const { return retired_ && stage_ == Stage::absent; }
    // No more wakes; done when settled().
    void stop();
    bool settled() const {
        return stage_ != Stage::building && stage_ != Stage::saving && stage_ != Stage::destroying;
    }

    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    void build(WakeReason why, base::TimePoint asked_at);
    void built(tl::expected<DomId, BuildError> result);
    void boot();
    void became_ready();
    void unpause_idle(WakeReason why);
    void put_away();
    void save(long long idle_seconds);
    void saved(const base::Result<void>& result);
    void resume();
    void go_on();
    void shut_down(long long idle_seconds);
    void stop_saving();
    void await_ready();
    void nothing_left();
    bool can_be_destroyed() const {
        return stage_ == Stage::booting || stage_ == Stage::ready || stage_ == Stage::paused ||
               stage_ == Stage::shutting_down;
    }
    void fail(base::WakeFailure why, const std::string& what);
    void destroy();
    void destroyed(const base::Result<void>& result);
    void enter(Stage stage);
    bool backing_off() const { return clock_.now() < retry_at_; }
    bool refuses_wakes() const { return retired_ || stopping_; }

    config::Service service_;
    Backend& backend_;
    const base::Clock& clock_;
    std::function<void(config::ServiceId)> changed_;

    Stage stage_ = Stage::absent;
    DomId domid_ = 0;
    bool retired_ = false;
    bool stopping_ = false;
    bool wake_again_ = false;  // wanted while destroying, shutting down or saving

    bool begun_ = false;      // building: the backend has called begun
    bool restoring_ = false;  // building: from a file
    bool outdated_ = false;   // saving: the settings have changed meanwhile

    // The wake under way or last done, for its log line.
    WakeReason why_ = WakeReason::dns;
    base::TimePoint woken_at_{};
    base::TimePoint built_at_{};
    base::TimePoint booted_at_{};

    // Failures in a row, and what they mean for the next wake.
    unsigned failures_ = 0;
    base::WakeFailure failure_ = base::WakeFailure::none;
    base::TimePoint retry_at_{};

    base::TimePoint last_traffic_{};
    base::TimePoint last_asked_{};
    std::optional<base::TimePoint> put_away_at_;
    bool save_stopped_ = false;  // saving: by us, so that it is no failure
    std::uint64_t packets_ = 0;
    base::TimePoint destroy_again_at_{};  // destroying: the last try failed
    bool destroy_in_flight_ = false;
    base::TimePoint save_again_at_{};  // the last try failed
    base::TimePoint shutdown_deadline_{};
};

}  // namespace summond::vm
