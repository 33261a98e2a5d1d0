#include "parent_child.hpp"

#include <poll.h>

#include <csignal>

#include "roles.hpp"
#include "summond/base/log.hpp"

namespace summond::roles {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

// For a child whose control channel broke: time to end in order.
constexpr std::chrono::seconds end_limit{5};
// How often is looked whether a child in the background gets on.
constexpr std::chrono::milliseconds background_look{500};

}  // namespace

base::Result<std::shared_ptr<Child>> Child::start(boost::asio::io_context& io,
                                                  const std::string& role,
                                                  const std::vector<std::string>& arguments,
                                                  std::vector<proc::FdMapping> fds,
                                                  Handlers handlers, proc::Priority priority) {
    auto channels = ipc::Channel::pair();
    if (!channels)
        return tl::make_unexpected(channels.error());
    auto& [ours, theirs] = *channels;
    fds.push_back({theirs.fd(), control_fd});
    std::vector<std::string> argv{"summond", "--role=" + role};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto process = proc::spawn_self(argv, fds, priority);
    if (!process)
        return base::error("start " + role + ": " + process.error().what);
    std::shared_ptr<Child> child(
        new Child(io, role, std::move(*process), std::move(ours), std::move(handlers)));
    child->watch_process();
    child->watch_control();
    if (priority == proc::Priority::background)
        child->watch_background(std::chrono::nanoseconds(0));
    return child;
}

Child::Child(boost::asio::io_context& io, const std::string& role, proc::Spawned process,
             ipc::Channel control, Handlers handlers)
    : name_(role + " (pid " + std::to_string(process.pid) + ")"),
      process_(std::move(process)),
      control_(std::move(control)),
      handlers_(std::move(handlers)),
      process_watch_(io, process_.pidfd.get()),
      control_watch_(io, control_.fd()),
      limit_(io),
      background_(io) {}

Child::~Child() {
    // The descriptors belong to process_ and control_.
    if (process_watch_.is_open())
        process_watch_.release();
    if (control_watch_.is_open())
        control_watch_.release();
}

void Child::watch_process() {
    process_watch_.async_wait(Descriptor::wait_read, [self = shared_from_this()](auto error) {
        if (error)
            return;
        // Woken for nothing (by an event of a descriptor that had this one's place before), it must
        // not wait for a child that lives.
        pollfd ended{self->process_.pidfd.get(), POLLIN, 0};
        if (::poll(&ended, 1, 0) == 0)
            return self->watch_process();
        const auto exit = proc::reap(self->process_);
        self->process_watch_.release();
        self->limit_.cancel();
        self->background_.cancel();
        while (self->ready_ && self->control_.fd() >= 0 && self->receive())
            ;  // what it has said last
        self->close_control();
        // Somebody else's waitpid would be a bug of ours; the child is gone all the same.
        if (!exit)
            spdlog::error("{}: {}", self->name_, exit.error().what);
        self->handlers_.ended(*self, exit ? *exit : proc::Exit{true, SIGKILL});
    });
}

void Child::watch_control() {
    control_watch_.async_wait(Descriptor::wait_read, [self = shared_from_this()](auto error) {
        if (error)
            return;
        self->receive();
        if (self->control_.fd() >= 0)
            self->watch_control();
        else if (!self->told_to_end_)
            self->kill_later(end_limit, "closed its control channel and did not end");
    });
}

// False: there was nothing to receive.
bool Child::receive() {
    const auto received = control_.receive();
    if (!received)
        close_control();
    if (!received || !*received)
        return false;
    if ((*received)->type == ipc::Type::connection && handlers_.connection) {
        handlers_.connection((*received)->fd);
    } else if ((*received)->type == ipc::Type::ready && !ready_) {
        ready_ = true;
        background_.cancel();
        if (!told_to_end_)
            limit_.cancel();
        spdlog::info("{} is ready", name_);
        handlers_.ready();
    } else {
        spdlog::error("{} sent a message that it may not send: killed", name_);
        kill();
        close_control();
    }
    return true;
}

void Child::close_control() {
    if (control_.fd() < 0)
        return;
    control_watch_.release();
    control_ = ipc::Channel();
}

// used: CPU time up to now. Where others want all of the CPU, what runs in the background gets next
// to none, but has to come to an end all the same.
void Child::watch_background(std::chrono::nanoseconds used) {
    background_.expires_after(background_look);
    background_.async_wait([self = shared_from_this(), used](auto error) {
        if (error || self->ready_ || !self->process_watch_.is_open())
            return;
        const auto now = proc::cpu_time(self->process_);
        if (now - used >= background_look / 10)
            return self->watch_background(now);
        if (auto r = proc::run_normally(self->process_.pid); !r)
            spdlog::warn("{} stays in the background: {}", self->name_, r.error().what);
    });
}

void Child::must_be_ready_within(std::chrono::seconds limit) {
    kill_later(limit, "did not become ready");
}

void Child::must_end_within(std::chrono::seconds limit) {
    told_to_end_ = true;
    kill_later(limit, "did not end");
}

void Child::end_within(std::chrono::seconds limit) {
    proc::send_signal(process_, SIGTERM);
    must_end_within(limit);
}

void Child::kill_later(std::chrono::seconds limit, const char* why) {
    limit_.expires_after(limit);
    limit_.async_wait([self = shared_from_this(), limit, why](auto error) {
        if (error)
            return;
        spdlog::error("{} {} within {} s: killed", self->name_, why, limit.count());
        self->kill();
    });
}

void Child::kill() {
    proc::send_signal(process_, SIGKILL);
}

}  // namespace summond::roles
