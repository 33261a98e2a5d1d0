// The parent's state. One story: load → generation → children → (signal or death) → again. When a
// child is started, killed or replaced is proc::Supervisor's affair, what it is given and told
// stands in the table of roles, and here it is done.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kept_sockets.hpp"
#include "parent_generation.hpp"
#include "parent_watch.hpp"
#include "summond/base/clock.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/proc/child.hpp"
#include "summond/proc/supervisor.hpp"
#include "table.hpp"

namespace summond::roles {

class Parent final : proc::Children {
  public:
    explicit Parent(const Arguments& arguments);
    // Until told to stop; the exit status.
    int run();

  private:
    using Phase = proc::Supervisor::Phase;
    using CountersPtr = std::shared_ptr<const base::UniqueFd>;
    struct Running {
        std::shared_ptr<proc::Child> child;
        proc::RoleIndex role;
        GenerationPtr generation;  // of those that have sockets
        CountersPtr counters;      // of those that count
        ipc::RoleReport report;
    };
    struct Counters {
        proc::RoleIndex role;
        CountersPtr file;
        base::UniqueFd readable;  // the same, for those that show it
    };

    void wait_for_signal();
    // After whatever may have changed the supervisor's deadline.
    void arm();

    // Runs the loader, at the start and for a reload.
    void load();
    void load_failed(int status, const std::string& why);
    net::OwnSockets own_sockets() const;
    void begin(GenerationPtr generation);
    // Reload: load → replace → (successors are ready) → finish_reload → (those before are quiet) →
    // replaced. Any failure before finish_reload leaves those that serve as they were.
    void reload();
    void replace(GenerationPtr generation);
    void finish_reload();
    void close_given_up_later();
    void reload_ended();
    // Zones that are signed here are signed again in time, by a reload.
    bool signing_is_due() const;
    void watch_signing();
    // Ids that are files come and go with them, by a reload; not so that it would take over what
    // somebody has written into the configuration without saying reload.
    void files_changed();
    void watch_files();
    void stop(int status);

    const Generation& newest() const { return next_ ? *next_ : *in_force_; }
    // The roles that the newest generation needs.
    void want_roles();
    // To those that are told of reloads, with the newest text or without. One that does not take it
    // is killed.
    template <typename Message>
    void tell_of_reload(const Message& message, bool with_text = false);
    // To successors: the sockets that were pending are open.
    void tell_opened();
    // To those that show them: how a child stands, what has become of a load, who may connect.
    template <typename Message>
    void show(const Message& message, int fd_to_pass = -1);
    void show_role(proc::ChildId child, ipc::RoleReport::State state);
    void show_load(ipc::LoadReport::Result result, const std::string& why = {});
    base::Result<base::UniqueFd> load_text() const;
    std::vector<std::pair<std::uint32_t, int>> control_sockets() const;
    void show_socket();
    void show_all(proc::ChildId child);
    // To those that transfer zones: which are in force. False: it takes no messages.
    bool give_transfers(proc::Child& child);
    void tell_transfers();
    bool received(proc::ChildId child, ipc::Received& message);
    void hand_on(proc::RoleIndex role, int connection);
    // Memory that no child of the role counts in; null: it does not count.
    CountersPtr unused_counters(proc::RoleIndex role);
    // Of a child that has ended.
    void clear_gauges(proc::ChildId child);

    // proc::Children
    bool start(proc::ChildId child, proc::RoleIndex role, proc::Place place,
               proc::Priority priority) override;
    Connected connect(proc::ChildId a, proc::ChildId b) override;
    bool drain(proc::ChildId child) override;
    bool end(proc::ChildId child) override;
    void kill(proc::ChildId child) override { children_.at(child).child->signal(SIGKILL); }
    std::string name(proc::ChildId child) const override {
        return children_.at(child).child->name();
    }
    void all_ready() override;
    void start_failed() override;
    void replacement_ready() override { finish_reload(); }
    void replaced() override;
    void replacement_failed(const std::string& why) override;
    void finished(proc::RoleIndex role, proc::Exit exit) override;
    void all_ended() override { io_.stop(); }

    int status_ = 0;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGHUP, SIGTERM, SIGINT};
    loop::DeadlineTimer timer_{io_, [this] {
                                   supervisor_.tick();
                                   arm();
                               }};
    boost::asio::steady_timer given_up_{io_};
    boost::asio::steady_timer signing_{io_};
    boost::asio::steady_timer listing_{io_};
    bool listing_is_planned_ = false;
    base::TimePoint listing_not_before_{};
    Watch watch_{io_, [this] { files_changed(); }};
    base::SteadyClock clock_;
    Estate estate_;
    std::vector<proc::Role> roles_;
    proc::Supervisor supervisor_;
    std::map<proc::ChildId, Running> children_;
    std::vector<Counters> counters_;  // all that there has ever been

    bool loading_ = false;
    std::int64_t load_began_ns_ = 0;  // of the real-time clock
    base::TimePoint load_began_at_{};
    std::int64_t config_changed_ns_ = 0;  // before that
    bool reload_wanted_ = false;          // a SIGHUP came while one was under way
    KeptSockets kept_;
    GenerationPtr left_;  // by the run before, until there is one of this run
    GenerationPtr in_force_;
    GenerationPtr next_;  // during a reload
    std::map<proc::RoleIndex, std::uint32_t> starts_;
    struct {
        ipc::LoadReport report{};
        std::string printed;
    } load_;
};

}  // namespace summond::roles
