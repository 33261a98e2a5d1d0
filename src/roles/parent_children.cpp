// The parent's part about its lasting children: starting front, vmm and wire, connecting them, and
// starting them again when they die.

#include <algorithm>
#include <chrono>

#include "parent.hpp"
#include "roles.hpp"
#include "summond/base/log.hpp"

namespace summond::roles {
namespace {

using namespace std::chrono_literals;

// A front maps its image and starts threads; one that takes longer is stuck.
constexpr auto front_ready_limit = 30s;
// Clients of a replaced front: parked queries and TCP sessions.
constexpr auto front_drain_limit = 30s;

}  // namespace

// -- Front

void Parent::start_front(Front& front) {
    const Generation& generation = *front.generation;
    std::vector<proc::FdMapping> fds{{generation.config.get(), config_fd},
                                     {generation.image.get(), image_fd},
                                     {cookie_secret_.get(), secret_fd}};
    int next_fd = first_socket_fd;
    const std::vector<int> sockets = open_sockets(generation);
    for (const int socket : sockets)
        fds.push_back({socket, next_fd++});
    // While vmm is away the other end is closed, and the front waits for a Peer.
    const ipc::Channel peer = vmm_wanted_ ? connect_to_vmm(ipc::Peer::Side::front) : ipc::Channel();
    const bool has_peer = peer.fd() >= 0;
    if (has_peer)
        fds.push_back({peer.fd(), peer_fd});
    auto child = Child::start(
        io_, "front",
        {"--config", config_file_, "--sockets=" + std::to_string(sockets.size()),
         std::string("--peer=") + (has_peer ? "1" : "0")},
        std::move(fds),
        {[this] { child_ready(); }, [this](Child& c, proc::Exit exit) { front_ended(c, exit); },
         [this](const base::UniqueFd& connection) { hand_on(connection); }},
        // While another one answers, its start is not to be in the way.
        &front == &next_ ? proc::Priority::background : proc::Priority::normal);
    if (child) {
        front.child = std::move(*child);
        front.child->must_be_ready_within(front_ready_limit);
        return;
    }
    spdlog::error("{}", child.error().what);
    if (&front == &next_)
        replace_failed("the new front cannot be started");
    else
        front_lost(std::chrono::steady_clock::now());
}

void Parent::front_ended(Child& child, proc::Exit exit) {
    const auto drained = std::find_if(draining_.begin(), draining_.end(),
                                      [&](const Front& f) { return f.child.get() == &child; });
    if (drained != draining_.end()) {
        draining_.erase(drained);
        if (!exit.success())
            spdlog::warn("{} ended with {} while draining", child.name(), exit.to_string());
    } else if (next_.child.get() == &child) {
        if (phase_ == Phase::running)
            replace_failed("the new " + child.name() + " ended with " + exit.to_string() +
                           " before it was ready");
        else
            next_ = {};
    } else {
        front_.child.reset();
        if (phase_ != Phase::stopping) {
            spdlog::error("{} ended with {}", child.name(), exit.to_string());
            front_lost(child.started());
        }
    }
    end_if_alone();
}

void Parent::front_lost(base::TimePoint started) {
    if (phase_ == Phase::starting)
        return stop(exit_failed);
    start_later(front_restart_, front_backoff_, started, [this] {
        if (!front_.child)  // a reload may have been faster
            start_front(front_);
    });
}

void Parent::drain(Front front) {
    if (!front.child)
        return;
    if (!front.child->send(ipc::Drain{front_.child ? 1U : 0U}))
        front.child->kill();
    front.child->must_end_within(front_drain_limit);
    draining_.push_back(std::move(front));
}

// A connection of a front that drains goes on with the one that serves. Without one it ends.
void Parent::hand_on(const base::UniqueFd& connection) {
    if (front_.child && !front_.child->send(ipc::Connection{}, connection.get()))
        spdlog::warn("{} does not take a client's connection, which ends", front_.child->name());
}

// -- vmm

void Parent::start_vmm() {
    vmm_wanted_ = true;
    std::vector<std::string> arguments{"--config", config_file_};
    if (simulate_)
        arguments.push_back("--simulate");
    auto child = Child::start(
        io_, "vmm", arguments, {{newest().config.get(), config_fd}},
        {[this] { child_ready(); }, [this](Child& c, proc::Exit exit) { vmm_ended(c, exit); }},
        proc::Priority::normal);
    if (!child) {
        spdlog::error("{}", child.error().what);
        return vmm_lost(std::chrono::steady_clock::now());
    }
    vmm_ = std::move(*child);

    for (Child* front : {front_.child.get(), next_.child.get()})
        if (front != nullptr && !introduce_vmm(*front))
            front->kill();
    // One that drains may be about to end, and has its limit for that.
    for (const Front& front : draining_)
        introduce_vmm(*front.child);
    connect_wire();
}

template <typename Message>
void Parent::tell_vmm(const Message& message, int fd) {
    if (vmm_ && !vmm_->send(message, fd)) {
        spdlog::error("{} does not take messages: killed", vmm_->name());
        vmm_->kill();
    }
}

// False: the front takes no messages.
bool Parent::introduce_vmm(Child& front) {
    const ipc::Channel peer = connect_to_vmm(ipc::Peer::Side::front);
    return peer.fd() < 0 || front.send(ipc::Peer{}, peer.fd());
}

void Parent::configure_vmm() {
    // One that waits to be started again will read the newest configuration then.
    tell_vmm(ipc::Reload{}, newest().config.get());
}

// Services that the configuration in force does not have.
void Parent::retire_others() {
    tell_vmm(ipc::Retire{});
}

void Parent::vmm_ended(Child& child, proc::Exit exit) {
    vmm_.reset();
    if (phase_ == Phase::stopping) {
        if (!exit.success())
            spdlog::error("{} ended with {}", child.name(), exit.to_string());
        return end_if_alone();
    }
    spdlog::error("{} ended with {}", child.name(), exit.to_string());
    vmm_lost(child.started());
}

void Parent::vmm_lost(base::TimePoint started) {
    if (phase_ == Phase::starting)
        return stop(exit_failed);
    start_later(vmm_restart_, vmm_backoff_, started, [this] { start_vmm(); });
}

ipc::Channel Parent::connect_to_vmm(ipc::Peer::Side side) {
    auto channels = ipc::Channel::pair();
    if (!channels) {
        spdlog::error("{}", channels.error().what);
        return {};
    }
    auto& [of_other, of_vmm] = *channels;
    tell_vmm(ipc::Peer{side}, of_vmm.fd());
    return std::move(of_other);
}

// -- Wire

void Parent::start_wire() {
    std::vector<std::string> arguments{"--config", config_file_,
                                       "--log-level=" + newest().log_level};
    if (!newest().user.empty())
        arguments.push_back("--user=" + newest().user);
    auto child = Child::start(
        io_, "wire", arguments, {},
        {[this] { child_ready(); }, [this](Child& c, proc::Exit exit) { wire_ended(c, exit); }},
        proc::Priority::normal);
    if (!child) {
        spdlog::error("{}", child.error().what);
        return wire_lost(std::chrono::steady_clock::now());
    }
    wire_ = std::move(*child);
    connect_wire();
}

void Parent::connect_wire() {
    if (!wire_ || !vmm_)
        return;
    const ipc::Channel peer = connect_to_vmm(ipc::Peer::Side::wire);
    if (peer.fd() >= 0 && !wire_->send(ipc::Peer{}, peer.fd()))
        wire_->kill();
}

void Parent::wire_ended(Child& child, proc::Exit exit) {
    wire_.reset();
    if (phase_ == Phase::stopping)
        return end_if_alone();
    spdlog::error("{} ended with {}", child.name(), exit.to_string());
    if (phase_ == Phase::starting)
        return child_ready();  // nobody else may be missing
    wire_lost(child.started());
}

// DNS wakes all the same: its absence ends nothing.
void Parent::wire_lost(base::TimePoint started) {
    start_later(wire_restart_, wire_backoff_, started, [this] {
        if (!wire_ && wants_wire())
            start_wire();
    });
}

void Parent::start_later(boost::asio::steady_timer& timer, proc::RestartBackoff& backoff,
                         base::TimePoint started, std::function<void()> start) {
    const auto delay = backoff.ended(started, std::chrono::steady_clock::now());
    if (delay.count() > 0)
        spdlog::info("starting it again in {} ms", delay.count());
    timer.expires_after(delay);
    timer.async_wait([this, start = std::move(start)](auto error) {
        if (!error && phase_ == Phase::running)
            start();
    });
}

}  // namespace summond::roles
