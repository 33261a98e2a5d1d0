// One service's domain from absent to absent: when it is built, put away, given up, and why
// (docs/design/domains.md). How that is done is Domain's business, and which domain there is room
// for is Admission's. At most one operation is in flight for a service. vmm's thread only.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "backoff.hpp"
#include "domain.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/wall_clock.hpp"
#include "summond/service/report.hpp"
#include "summond/service/schedule.hpp"
#include "summond/service/status.hpp"
#include "summond/vm/hypervisor.hpp"
#include "summond/vm/ledger.hpp"

namespace summond::vm {

class Lifecycle {
  public:
    struct Wake {
        std::optional<service::WakeReason> why;  // none: nobody has asked, the domain was found
        base::TimePoint asked_at{};
        std::optional<base::TimePoint> admitted_at{};  // the last time
        std::uint16_t query_type = 0;
    };
    // Queries that waited for a wake and have got their responses, and the longest wait.
    struct Waiting {
        std::uint32_t queries = 0;
        base::Duration longest{};
    };

    using Own = std::unique_ptr<Domain>;
    struct Absent {
        std::optional<base::TimePoint> restart_at{};  // wanted again by itself then
    };
    struct Queued {  // asks for a domain
        Wake wake;
        bool restores;                        // from a file
        std::optional<BuildError> starved{};  // Xen had too little memory for it
    };
    struct Building {
        Own domain;
        Wake wake;
    };
    struct Booting {
        Own domain;
        Wake wake;
    };
    struct Ready {
        Own domain;
        bool told_paused = false;  // that somebody else has paused it
    };
    struct Paused {
        Own domain;
    };
    struct Saving {
        Own domain;
        std::optional<Wake> next{};  // wanted again, here and below
        bool stopped = false;        // by us, so that it is no failure
        bool outdated = false;       // the settings have changed meanwhile, here and below
    };
    struct Resuming {
        Own domain;
        std::optional<Wake> next{};
        bool outdated = false;
    };
    struct Suspended {  // by somebody else
        Own domain;
        std::optional<Wake> boots{};  // it had yet to become ready
        base::TimePoint look_at{};
        std::optional<Wake> next{};
        bool outdated = false;
    };
    struct ShuttingDown {
        Own domain;
        base::TimePoint until{};
        std::optional<Wake> next{};
    };
    struct Destroying {
        Own domain;
        std::optional<Wake> next{};
        std::optional<base::TimePoint> restart_at{};
    };
    using Stage = std::variant<Absent, Queued, Building, Booting, Ready, Paused, Saving, Resuming,
                               Suspended, ShuttingDown, Destroying>;

    struct Hooks {
        std::function<void(service::Id)> changed;  // its status or its deadline
        // It is queued: give_spare, admit, refuse or give_up is to follow, now or later.
        std::function<void(Lifecycle&)> wants_domain;
        std::function<void()> freed;            // a domain's memory
        std::function<void(WakeRecord&)> woke;  // a wake is over; gives the record its number
    };

    Lifecycle(service::Instance service, Hypervisor& hypervisor, const base::Clock& clock,
              const base::WallClock& wall_clock, Hooks hooks);
    Lifecycle(const Lifecycle&) = delete;
    Lifecycle& operator=(const Lifecycle&) = delete;

    const service::Instance& service() const { return service_; }
    // The one place where a status is made. booted_spare: the standby domain that waits for
    // the service's next wake, if it has booted.
    service::Status status(std::optional<DomId> booted_spare) const;
    service::Phase phase() const;
    // All of service::Report but what standby instances there are.
    service::Report report(std::optional<DomId> booted_instance) const;
    template <typename S>
    bool in() const {
        return std::holds_alternative<S>(stage_);
    }
    // None while it is absent or queued.
    const Domain* domain() const;

    // forced: although it is drained or backs off.
    void wake(service::WakeReason why, base::TimePoint asked_at, std::uint16_t query_type = 0,
              bool forced = false);
    void touch();
    // True: that belongs to the wake that is under way, and will be in its record. False: to one
    // that is over.
    bool waited(std::uint32_t queries, base::Duration longest);
    // The number of the record of the wake that its present guest came from; of its last one.
    // 0: there is none.
    std::uint64_t wake_of_guest() const { return wake_of_guest_; }
    std::uint64_t last_wake() const { return last_wake_; }

    // What a later process is to know of it; and what an earlier one has left, before any call but
    // reconfigure.
    // A wake of it, of this process or an earlier one: what its wakes take is known by these.
    void took(const WakeRecord& record);

    Kept kept() const;
    void take_over(const Kept& kept);
    bool can_adopt() const { return in<Absent>() && !refuses_wakes(); }

    // -- What somebody wants of it

    enum class Slept : std::uint8_t {
        begun,
        asleep,  // it is, or on its way
        pinned,
        busy,  // a wake is under way, or somebody else has paused or suspended its domain
    };
    // Puts its domain away as if it were idle. forced: although it is pinned. In a window in which
    // it is to be up, until the next one begins or somebody asks for it.
    Slept sleep(bool forced);
    // It is not put away, nor evicted. until: none: until unpin.
    void pin(std::optional<base::TimePoint> until);
    void unpin();
    bool pinned() const { return pin_ && (!pin_->until || clock_.now() < *pin_->until); }
    // Wakes are refused; a domain that is there stays, and is restarted as it says.
    void drain(bool drained);

    // Queued:
    const Queued& queued() const { return std::get<Queued>(stage_); }
    void give_spare(Own standby);
    void admit();
    // There was no room in its time.
    void refuse(service::WakeFailure why, const std::string& what);
    // Starved, and no memory is on its way.
    void give_up();

    // Ready or paused: puts the domain away so that its memory is free. Asked by somebody else.
    void evict();
    bool evictable() const;
    // Up, and others of its service's replicas may do without it one day.
    bool may_go() const { return in<Ready>() && service_->idle_after && !pinned() && !wanted_up_; }
    // Puts it away although there is traffic, unless an answer has its address yet or a connection
    // keeps it.
    void put_away_spare();
    // To it, as the meter has counted them.
    std::uint64_t packets() const { return packets_; }
    // Since when neither traffic nor an answer has been seen.
    base::TimePoint idle_since() const { return std::max(last_traffic_, last_asked_); }
    // What its domain takes, from the start of the build on; and whether that will be free soon.
    std::uint64_t memory_kib() const;
    bool leaving() const {
        return in<Saving>() || in<Resuming>() || in<ShuttingDown>() || in<Destroying>();
    }
    bool waking() const { return in<Queued>() || in<Building>() || in<Booting>(); }
    // Absent: takes over what an earlier process has left.
    void adopt(const Found& found);
    // can_adopt: has a domain that somebody else has made, and that is ours from now on.
    void claim(const Found& found);
    // Absent: it has left nothing, or nothing any more.
    void found_nothing() { put_away_at_ = clock_.now(); }
    void died(Death how);
    // What the meter says now. Puts the domain away when its idle time is over.
    void traffic(const Traffic& counted);
    void reconfigure(const service::Instance& service);
    // The service left the configuration: ends its domain; gone() once nothing is left of it.
    void retire();
    bool retired() const { return retired_; }
    bool gone() const { return retired_ && in<Absent>(); }
    // When nothing has to be known of it any more, if nobody asks for it before; none: not so.
    std::optional<base::TimePoint> forgettable_at() const;
    // Absent: since when there has been neither a domain nor, as far as fronts have said, an
    // answer.
    base::TimePoint unused_since() const { return std::max(stage_since_, last_asked_); }
    // No more wakes; done when quiescent(), which is when nothing of it is under way.
    void stop();
    bool quiescent() const {
        return !in<Building>() && !in<Saving>() && !in<Resuming>() && !in<Destroying>();
    }

    std::optional<base::TimePoint> deadline() const;
    void tick();
    // There is no domain, and nothing comes of it by itself: `changed` is called before anything
    // does.
    bool dormant() const { return in<Absent>() && !deadline(); }

  private:
    template <typename S>
    S& as() {
        return std::get<S>(stage_);
    }
    // Which somebody waits for; null: none.
    const Wake* wake_under_way() const;
    // Its guest would go on where it was.
    bool remembers() const;
    // The only two ways to another stage; the second tells those who know the status.
    void go(Stage stage);
    void enter(Stage stage);
    // Of a stage that has a domain.
    Domain& its() { return const_cast<Domain&>(*domain()); }
    Own release();
    std::optional<Wake>* next();  // null: no stage that has one
    std::optional<Wake> take_next();
    void forget_wishes();

    void request(Wake wake);
    void ask(Queued queued);
    void leave_queue();
    void built(tl::expected<void, BuildError> result);
    void start();
    void boot(Own domain, const Wake& wake);
    void became_ready(Own domain, const Wake& wake);
    // Counts a wake that is done, and says so.
    void woke(const Wake& wake, base::TimePoint at, WakeHow how, const std::string& words);
    WakeRecord record_of(const Wake& wake);
    void tell(WakeRecord& record);
    void unpause(const Wake& wake);

    void read_schedule();
    void look_at_the_clock();
    base::Duration lead_time() const;
    bool sleeps_though_wanted() const;
    bool rests() const { return rest_ && (!rest_->until || clock_.now() < *rest_->until); }
    void rest();
    std::optional<base::TimePoint> stage_deadline() const;
    std::optional<base::TimePoint> schedule_deadline() const;
    void follow_schedule();

    service::IdleAction idle_action() const;
    void put_away();
    void save(long long idle_seconds);
    void saved(const tl::expected<void, SaveError>& result);
    void stop_saving();
    void resume(Own domain, std::optional<Wake> next);
    void go_on();
    void shut_down(long long idle_seconds);
    bool as_left() const;

    void leave_suspended(Own domain, std::optional<Wake> boots = {}, std::optional<Wake> next = {});
    void look_again();
    // Whether the domain, which has ended so, is left to whoever wants to look at it.
    bool preserved(Death how);
    // Counts a wake that has failed, and says so. What there is of it is the caller's.
    void failed(const Wake& wake, service::WakeFailure why, const std::string& what);
    bool can_be_destroyed() const {
        return in<Booting>() || in<Ready>() || in<Paused>() || in<ShuttingDown>();
    }
    void destroy(std::optional<Wake> next = {}, std::optional<base::TimePoint> restart_at = {}) {
        destroy(release(), next, restart_at);
    }
    void destroy(Own domain, std::optional<Wake> next, std::optional<base::TimePoint> restart_at);
    void nothing_left(std::optional<Wake> next, std::optional<base::TimePoint> restart_at = {});

    bool backing_off() const { return clock_.now() < backoff_.until(); }
    bool refuses_wakes() const { return retired_ || stopping_; }
    bool may_wake() const { return !refuses_wakes() && !backing_off() && !drained_; }
    // Ready: when it is put away unless somebody uses it before; none: never.
    std::optional<base::TimePoint> idle_at() const;

    service::Instance service_;  // of now; its domain may have been built with other settings
    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    const base::WallClock& wall_clock_;
    Hooks hooks_;
    Stage stage_;
    base::TimePoint stage_since_;
    std::optional<Pin> pin_{};
    bool drained_ = false;
    std::optional<service::WakeReason> last_why_{};

    // What outlives each domain.
    bool retired_ = false;
    bool stopping_ = false;
    Wakes wakes_;      // done so far
    Waiting waiting_;  // of the wake that is under way
    std::uint64_t last_wake_ = 0;
    std::uint64_t wake_of_guest_ = 0;
    Backoff backoff_;
    base::TimePoint last_traffic_{};
    base::TimePoint last_asked_{};
    std::uint64_t packets_ = 0;
    bool is_connected_ = false;  // a connection keeps it, as the meter says
    std::optional<base::TimePoint> put_away_at_;
    bool put_away_by_order_ = false;       // so that no answer of before is a reason to wake it
    base::TimePoint met_clients_since_{};  // connections with its guest cannot be older
    base::TimePoint save_again_at_{};      // the last try failed
    bool refuses_suspend_ = false;         // its guest takes no part in that

    service::Schedule schedule_;
    bool wanted_up_ = false;      // by `min:`, or since a window has begun or is about to
    std::optional<Rest> rest_{};  // asleep by command in spite of that
    std::optional<base::TimePoint> look_at_clock_;
    std::deque<base::Duration> wakes_took_;  // the last ones
};

// Adds them to what the record knows of those who waited.
inline void add_waiting(WakeRecord& record, const Lifecycle::Waiting& more) {
    record.queries +=
        std::min(more.queries, std::numeric_limits<std::uint32_t>::max() - record.queries);
    if (more.queries > 0)
        record.first_waited =
            std::max(record.first_waited.value_or(base::Duration::zero()), more.longest);
}

}  // namespace summond::vm
