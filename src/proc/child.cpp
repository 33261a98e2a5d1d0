#include "summond/proc/child.hpp"

#include <poll.h>

#include <csignal>

#include "summond/base/log.hpp"

namespace summond::proc {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

// How often is looked whether a child in the background gets on.
constexpr std::chrono::milliseconds background_look{500};

}  // namespace

base::Result<std::shared_ptr<Child>> Child::start(boost::asio::io_context& io, ipc::Role role,
                                                  const std::vector<std::string>& arguments,
                                                  int control_fd, std::vector<FdMapping> fds,
                                                  Handlers handlers, Priority priority) {
    const std::string name(ipc::to_string(role));
    auto channels = ipc::Channel::pair(ipc::Role::parent, role);
    if (!channels)
        return tl::make_unexpected(channels.error());
    auto& [ours, theirs] = *channels;
    fds.push_back({theirs.fd(), control_fd});
    std::vector<std::string> argv{"summond", "--role=" + name};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto process = spawn_self(argv, fds, priority);
    if (!process)
        return base::error("start " + name + ": " + process.error().what);
    std::shared_ptr<Child> child(
        new Child(io, role, std::move(*process), std::move(ours), std::move(handlers)));
    child->watch_process();
    if (priority == Priority::background)
        child->watch_background(std::chrono::nanoseconds(0));
    return child;
}

Child::Child(boost::asio::io_context& io, ipc::Role role, Spawned process, ipc::Channel control,
             Handlers handlers)
    : name_(std::string(ipc::to_string(role)) + " (pid " + std::to_string(process.pid) + ")"),
      process_(std::move(process)),
      handlers_(std::move(handlers)),
      control_(io, std::move(control),
               {[this](ipc::Received& message) { return handlers_.message(message); },
                [this] { handlers_.closed(); }}),
      process_watch_(io, process_.pidfd.get()),
      background_(io) {}

Child::~Child() {
    // The descriptor belongs to process_.
    if (process_watch_.is_open())
        process_watch_.release();
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
        const auto exit = reap(self->process_);
        self->process_watch_.release();
        self->background_.cancel();
        if (self->ready_)
            self->control_.receive();  // what it has said last
        self->control_.close();
        // Somebody else's waitpid would be a bug of ours; the child is gone all the same.
        if (!exit)
            spdlog::error("{}: {}", self->name_, exit.error().what);
        self->handlers_.ended(exit ? *exit : Exit{true, SIGKILL});
    });
}

void Child::is_ready() {
    ready_ = true;
    background_.cancel();
}

// used: CPU time up to now. Where others want all of the CPU, what runs in the background gets next
// to none, but has to come to an end all the same.
void Child::watch_background(std::chrono::nanoseconds used) {
    background_.expires_after(background_look);
    background_.async_wait([self = shared_from_this(), used](auto error) {
        if (error || self->ready_ || !self->process_watch_.is_open())
            return;
        const auto now = cpu_time(self->process_);
        if (now - used >= background_look / 10)
            return self->watch_background(now);
        if (auto r = run_normally(self->process_.pid); !r)
            spdlog::warn("{} stays in the background: {}", self->name_, r.error().what);
    });
}

}  // namespace summond::proc
