// One child process of the parent: started, watched, told things, reaped.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/result.hpp"
#include "summond/ipc/channel.hpp"
#include "summond/proc/spawn.hpp"

namespace summond::roles {

class Child : public std::enable_shared_from_this<Child> {
  public:
    struct Handlers {
        std::function<void()> ready;                    // it sent Ready
        std::function<void(Child&, proc::Exit)> ended;  // it has been reaped; the last call
        // It sent a client's connection. Without this handler it may not.
        std::function<void(const base::UniqueFd&)> connection{};
    };

    // role: "front", "vmm" or "load"; arguments follow `summond --role=ROLE`. Its end of the
    // control channel is mapped here, fds are the others. The handlers are called from io. In the
    // background it stays only as long as it gets on there.
    static base::Result<std::shared_ptr<Child>> start(boost::asio::io_context& io,
                                                      const std::string& role,
                                                      const std::vector<std::string>& arguments,
                                                      std::vector<proc::FdMapping> fds,
                                                      Handlers handlers, proc::Priority priority);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // "front (pid 123)".
    const std::string& name() const { return name_; }
    bool ready() const { return ready_; }
    base::TimePoint started() const { return started_; }

    // False: it is gone or stuck.
    template <typename Message>
    bool send(const Message& message, int fd_to_pass = -1) {
        return control_.fd() >= 0 && control_.send(message, fd_to_pass);
    }

    // Kills it, with a log line, unless it is ready within the limit.
    void must_be_ready_within(std::chrono::seconds limit);
    // Kills it, with a log line, unless it ends within the limit.
    void must_end_within(std::chrono::seconds limit);
    // As must_end_within, and tells it to (SIGTERM).
    void end_within(std::chrono::seconds limit);
    void kill();

  private:
    Child(boost::asio::io_context& io, const std::string& role, proc::Spawned process,
          ipc::Channel control, Handlers handlers);
    void watch_process();
    void watch_control();
    bool receive();
    // The child notices and ends by itself: front at once, vmm in order.
    void close_control();
    void watch_background(std::chrono::nanoseconds used);
    void kill_later(std::chrono::seconds limit, const char* why);

    std::string name_;
    proc::Spawned process_;
    ipc::Channel control_;
    Handlers handlers_;
    base::TimePoint started_ = std::chrono::steady_clock::now();
    bool ready_ = false;
    bool told_to_end_ = false;
    boost::asio::posix::stream_descriptor process_watch_;  // on process_.pidfd
    boost::asio::posix::stream_descriptor control_watch_;  // on control_
    boost::asio::steady_timer limit_;
    boost::asio::steady_timer background_;
};

}  // namespace summond::roles
