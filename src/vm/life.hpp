// One service's domain from absent to absent: the state machine of docs/ARCHITECTURE.md, "The life
// of a domain". At most one backend operation is in flight for a service. vmm's thread only.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>

#include "backoff.hpp"
#include "standby.hpp"
#include "summond/base/clock.hpp"
#include "summond/vm/hypervisor.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

class Life;

// What a life asks of whoever sees all of them.
class Keeper {
  public:
    virtual ~Keeper() = default;
    // A copy that waits for a wake of this service; it is the life's from now on.
    virtual std::optional<Standby::Copy> take_copy(config::ServiceId service) = 0;
    // Whether the limits allow this life's domain now. If not, admit() will be called when they do.
    virtual bool has_room(Life& life) = 0;
    // Xen had too little memory for it. True: some is being given back, and admit() will be called.
    virtual bool finds_memory(Life& life) = 0;
    // How long a wake waits for room.
    virtual base::Duration longest_wait() const = 0;
    // What this life, or one before it, waits for.
    virtual base::WakeFailure shortage(const Life& life) const = 0;
    // A domain's memory is free.
    virtual void freed() = 0;
};

class Life {
  public:
    enum class Stage : std::uint8_t {
        absent,
        queued,    // waits for room
        building,  // or restoring
        booting,
        ready,
        paused,
        saving,     // to disk; or resuming, where that was in vain
        suspended,  // by somebody else
        shutting_down,
        destroying,
    };

    Life(config::Service service, Hypervisor& hypervisor, const base::Clock& clock, Keeper& keeper,
         std::function<void(config::ServiceId)> changed);
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    Stage stage() const { return stage_; }
    DomId domid() const { return domid_; }  // from booting on
    const config::Service& service() const { return service_; }
    Status status() const;
    // Asleep in its own domain, or next woken from a standby copy if there is one.
    bool waits() const { return stage_ == Stage::paused && may_wake(); }
    bool takes_copy() const {
        return stage_ == Stage::absent && may_wake() && !hypervisor_.snapshots().has(service_);
    }

    bool remembers() const {
        return stage_ == Stage::paused || stage_ == Stage::saving ||
               ((stage_ == Stage::absent || stage_ == Stage::destroying) &&
                hypervisor_.snapshots().has(service_));
    }

    void wake(WakeReason why, base::TimePoint asked_at);
    void touch();
    // Queued: there is room now.
    void admit() { start(); }
    // Ready or paused: puts the domain away so that its memory is free. Asked by somebody else.
    void evict();
    bool evictable() const;
    // Since when neither traffic nor an answer has been seen.
    base::TimePoint idle_since() const { return std::max(last_traffic_, last_asked_); }
    // What its domain takes, from the start of the build on; and whether that will be free soon.
    std::uint64_t memory_kib() const {
        return stage_ == Stage::absent || stage_ == Stage::queued ? 0 : memory_kib_;
    }
    bool leaving() const {
        return stage_ == Stage::saving || stage_ == Stage::shutting_down ||
               stage_ == Stage::destroying;
    }
    bool waking() const {
        return stage_ == Stage::queued || stage_ == Stage::building || stage_ == Stage::booting;
    }
    void adopt(const Found& found);
    void died(Death how);
    // What the meter says now. Puts the domain away when its idle time is over.
    void traffic(const Traffic& counted);
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
    void queue();
    void leave_queue();
    void start();
    void wake_copy(const Standby::Copy& copy);
    void built(tl::expected<DomId, BuildError> result);
    void boot();
    void became_ready();
    // Counts a wake that is done, and says so.
    void woke(base::TimePoint at, const std::string& how);
    void unpause_idle(WakeReason why, base::TimePoint asked_at);
    void put_away();
    void save(long long idle_seconds);
    void saved(const tl::expected<void, SaveError>& result);
    void resume();
    void go_on();
    config::IdleAction idle_action() const;
    bool as_left() const;
    void leave_suspended();
    void look_again();
    void shut_down(long long idle_seconds);
    void stop_saving();
    void await_ready();
    void nothing_left();
    // Whether the domain, which has ended so, is left to whoever wants to look at it.
    bool preserved(Death how);
    bool can_be_destroyed() const {
        return stage_ == Stage::booting || stage_ == Stage::ready || stage_ == Stage::paused ||
               stage_ == Stage::shutting_down;
    }
    void fail(base::WakeFailure why, const std::string& what);
    void destroy();
    void destroyed(const base::Result<void>& result);
    void enter(Stage stage);
    bool backing_off() const { return clock_.now() < backoff_.until(); }
    bool refuses_wakes() const { return retired_ || stopping_; }
    bool may_wake() const { return !refuses_wakes() && !backing_off(); }

    config::Service service_;
    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    Keeper& keeper_;
    std::function<void(config::ServiceId)> changed_;

    Stage stage_ = Stage::absent;
    DomId domid_ = 0;
    std::uint64_t memory_kib_ = 0;
    bool retired_ = false;
    bool stopping_ = false;
    bool wake_again_ = false;  // wanted while destroying, shutting down or saving

    bool restoring_ = false;  // building: from a file
    bool outdated_ = false;   // saving, suspended: the settings have changed meanwhile

    std::optional<config::StandbyStage> standby_;  // the domain was such a copy
    base::TimePoint queued_until_{};

    // The wake under way or last done, for its log line.
    WakeReason why_ = WakeReason::dns;
    Wakes wakes_;  // done so far
    base::TimePoint woken_at_{};
    base::TimePoint built_at_{};
    base::TimePoint booted_at_{};

    Backoff backoff_;
    std::optional<base::TimePoint> restart_at_;  // absent, destroying: built again by itself then

    bool was_booting_ = false;         // suspended: it was when that began
    base::TimePoint look_again_at_{};  // suspended

    base::TimePoint last_traffic_{};
    base::TimePoint last_asked_{};
    std::optional<base::TimePoint> put_away_at_;
    bool save_stopped_ = false;  // saving: by us, so that it is no failure
    std::uint64_t packets_ = 0;
    base::TimePoint met_clients_since_{};  // this domain, in which connections can be open
    base::TimePoint destroy_again_at_{};   // destroying: the last try failed
    bool destroy_in_flight_ = false;
    base::TimePoint save_again_at_{};  // the last try failed
    bool refuses_suspend_ = false;     // its guest takes no part in that
    bool told_paused_ = false;         // that somebody else has paused it
    base::TimePoint shutdown_deadline_{};
};

}  // namespace summond::vm
