// The parent's state. One story: load → generation → front and vmm → (signal or death) → again.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "parent_child.hpp"
#include "parent_generation.hpp"
#include "summond/proc/restart_backoff.hpp"

namespace summond::roles {

class Parent {
  public:
    Parent(std::string config_file, bool simulate);
    // Until told to stop; the exit status.
    int run();

  private:
    enum class Phase { starting, running, stopping };
    struct Front {
        std::shared_ptr<Child> child;  // null while it waits to be started again
        GenerationPtr generation;
    };
    struct Memfds {
        base::UniqueFd config;
        base::UniqueFd image;
    };

    void wait_for_signal();

    // Runs the loader, at the start and for a reload.
    void load();
    void loaded(proc::Exit exit, Memfds& memfds);
    void load_failed(int status, const std::string& why);

    void start(GenerationPtr generation);
    void child_ready();

    // Reload: load → replace → (the new front is ready) → finish_reload. Any failure before that
    // leaves the old front as it was.
    void reload();
    void replace(GenerationPtr generation);
    void finish_reload();
    void close_given_up_later();
    void replace_failed(const std::string& why);
    void reload_ended();

    void start_front(Front& front);
    void front_ended(Child& child, proc::Exit exit);
    void front_lost(base::TimePoint started);
    void drain(Front front);
    void hand_on(const base::UniqueFd& connection);

    void start_vmm();
    void vmm_ended(Child& child, proc::Exit exit);
    void vmm_lost(base::TimePoint started);
    // Wherever packets wake and Xen is not simulated.
    void start_wire();
    void wire_ended(Child& child, proc::Exit exit);
    void wire_lost(base::TimePoint started);
    bool wants_wire() const { return !simulate_ && newest().wakes_by_packet; }
    void connect_wire();
    // Nothing if there is none; one that does not take it is killed. For parent_children.cpp.
    template <typename Message>
    void tell_vmm(const Message& message, int fd = -1);
    // Sends the configuration in force, or the one that is about to be.
    void configure_vmm();
    void retire_others();
    bool introduce_vmm(Child& front);
    // A new channel between a front or wire and vmm: sends vmm, if there is one, its end and
    // returns the other. Empty if none can be made.
    ipc::Channel connect_to_vmm(ipc::Peer::Side side);
    const Generation& newest() const {
        return next_.generation ? *next_.generation : *front_.generation;
    }
    void start_later(boost::asio::steady_timer& timer, proc::RestartBackoff& backoff,
                     base::TimePoint started, std::function<void()> start);

    void stop(int status);
    void end_if_alone();

    const std::string config_file_;
    const bool simulate_;
    // Random, for the life of the daemon: clients' DNS cookies outlive fronts and reloads.
    base::UniqueFd cookie_secret_;
    int status_ = 0;

    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGHUP, SIGTERM, SIGINT};
    boost::asio::steady_timer front_restart_{io_};
    boost::asio::steady_timer vmm_restart_{io_};
    boost::asio::steady_timer wire_restart_{io_};
    boost::asio::steady_timer given_up_{io_};

    Phase phase_ = Phase::starting;
    bool reload_wanted_ = false;  // a SIGHUP came while one was under way
    std::shared_ptr<Child> loader_;
    Front front_;                  // the one that serves; its generation is the one in force
    Front next_;                   // during a reload
    std::vector<Front> draining_;  // replaced, with clients left
    proc::RestartBackoff front_backoff_;
    bool vmm_wanted_ = false;  // once a configuration has had services
    std::shared_ptr<Child> vmm_;
    proc::RestartBackoff vmm_backoff_;
    std::shared_ptr<Child> wire_;
    proc::RestartBackoff wire_backoff_;
};

}  // namespace summond::roles
