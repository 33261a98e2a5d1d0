// Keeps a daemon's children: starts them, connects them, starts them again when they die, replaces
// them at a reload and ends them. Pure: what it wants done goes to Children, it is told what has
// become of it, and the clock is injected. One thread.
//
// It knows roles by their place in a table, and none by name: all that distinguishes them is in
// their rows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/proc/restart_backoff.hpp"
#include "summond/proc/spawn.hpp"

namespace summond::proc {

struct Role {
    std::string_view name{};
    // Runs when it is asked for (run_once), to its end. Nothing else of this struct concerns it.
    bool once = false;
    // Without it the daemon is not ready, and ends if this ends before. One that is not needed is
    // waited for, but done without if it ends before the daemon is ready.
    bool needed = false;
    // Killed unless it is ready in this time: at each start, or where it is not needed, at the
    // daemon's. 0: it may take as long as it likes.
    std::chrono::seconds ready_within{};
    // At a reload another one is started beside it and takes over when it is ready; this one then
    // has so long for what it has begun. 0: it stays.
    std::chrono::seconds drained_within{};
    // At the end of the daemon it has so long to put things in order. 0: it has nothing to.
    std::chrono::seconds ended_within{};
};

using RoleIndex = std::size_t;  // in the table
using ChildId = std::uint64_t;  // never used twice
struct Peers {
    RoleIndex a;
    RoleIndex b;
};

// Where a child stands in its role.
enum class Place : std::uint8_t { serving, next, draining };

// Does what the supervisor decides. May call back, but for const functions only as the last thing.
class Children {
  public:
    virtual ~Children() = default;
    // False: it cannot be started, which has been logged.
    virtual bool start(ChildId child, RoleIndex role, Place place, Priority priority) = 0;
    // A new channel between the two, which each is sent its end of. False: which one takes no
    // messages.
    struct Connected {
        bool a = true;
        bool b = true;
    };
    virtual Connected connect(ChildId a, ChildId b) = 0;
    // Told to take nothing new and to end. False: it takes no messages.
    virtual bool drain(ChildId child) = 0;
    // Told that the daemon ends. False: it takes no messages.
    virtual bool end(ChildId child) = 0;
    virtual void kill(ChildId child) = 0;
    // For the log: "front (pid 123)".
    virtual std::string name(ChildId child) const = 0;

    // All that were to be ready are, or are done without. Once.
    virtual void all_ready() = 0;
    // A needed one has ended before that.
    virtual void start_failed() = 0;
    // After replace: take_over or give_up_replacement follows.
    virtual void replacement_ready() = 0;
    // After take_over: none of those that have been replaced takes anything new any more.
    virtual void replaced() = 0;
    // After replace: those that served go on.
    virtual void replacement_failed(const std::string& why) = 0;
    // One that runs once has ended. Not while the daemon ends.
    virtual void finished(RoleIndex role, Exit exit) = 0;
    // After stop.
    virtual void all_ended() = 0;
};

class Supervisor {
  public:
    enum class Phase : std::uint8_t { starting, running, stopping };
    // A child whose channel broke has so long to end in order.
    static constexpr std::chrono::seconds orphan_limit{5};

    // peers: which pairs of roles get channels, new ones whenever one of the two is started. All
    // outlive the supervisor.
    Supervisor(std::span<const Role> roles, std::span<const Peers> peers, const base::Clock& clock,
               Children& children);

    Phase phase() const { return phase_; }
    // Whether children of that role are to be there. One that is not wanted any more is left alone,
    // and not started again.
    void want(RoleIndex role, bool wanted) { roles_[role].wanted = wanted; }
    bool wanted(RoleIndex role) const { return roles_[role].wanted; }

    // Starts those wanted, in the order of the table. Once.
    void start();
    // False: it cannot be started.
    bool run_once(RoleIndex role);
    // Starts those wanted that are not there, and successors of those that are replaced.
    void replace();
    // The successors serve, the others drain. Children::replaced follows, perhaps at once.
    void take_over();
    // Until then.
    bool taking_over() const { return taking_over_; }
    // The successors drain.
    void give_up_replacement();
    // Ends all children, the last of the table first. Again: kills them.
    void stop();

    // False: it has said so before.
    bool ready(ChildId child);
    // It takes nothing new any more. False: it has said so before.
    bool quiet(ChildId child);
    // It has been reaped.
    void ended(ChildId child, Exit exit);
    void channel_closed(ChildId child);
    // It is killed.
    void takes_no_messages(ChildId child);

    // The child of that role that serves; draining ones do not.
    std::optional<ChildId> serving(RoleIndex role) const;
    // Of that role in that place.
    std::vector<ChildId> children(RoleIndex role, Place place) const;

    // When tick() has to be called; any other call can change it.
    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Child {
        ChildId id;
        RoleIndex role;
        Place place;
        base::TimePoint started;
        bool ready = false;
        bool quiet = false;
        bool told_to_end = false;
        bool killed = false;
        struct Limit {
            base::TimePoint at;
            std::chrono::seconds length;
            const char* why;
        };
        std::optional<Limit> limit{};
    };
    struct RoleState {
        bool wanted = false;
        RestartBackoff backoff{};
        std::optional<base::TimePoint> restart_at{};
    };

    Child* find(ChildId child);
    bool is_served(RoleIndex role) const { return serving(role).has_value(); }
    bool launch(RoleIndex role, Place place);
    void launch_wanted();
    void connect(ChildId child);
    void check_ready();
    void lost(RoleIndex role, base::TimePoint started);
    void replacement_failed(const std::string& why);
    void check_replaced();
    void drain(ChildId child);
    void limit(Child& child, std::chrono::seconds length, const char* why);
    void kill(ChildId child);

    const std::span<const Role> table_;
    const std::span<const Peers> peers_;
    const base::Clock& clock_;
    Children& do_;
    Phase phase_ = Phase::starting;
    bool taking_over_ = false;
    std::vector<RoleState> roles_;
    std::vector<Child> children_;
    ChildId last_id_ = 0;
};

}  // namespace summond::proc
