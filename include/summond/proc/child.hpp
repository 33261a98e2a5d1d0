// One child process on an event loop: started, watched, told things, reaped. What it may be told
// and when it is killed is the supervisor's affair.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/ipc/link.hpp"
#include "summond/proc/spawn.hpp"

namespace summond::proc {

class Child : public std::enable_shared_from_this<Child> {
  public:
    struct Handlers {
        // False: it may not send that; its channel is closed then.
        std::function<bool(ipc::Received&)> message;
        // It has closed its channel, or broken the protocol.
        std::function<void()> closed;
        // It has been reaped; the last call.
        std::function<void(Exit)> ended;
    };

    // arguments follow `summond --role=ROLE`. Its end of the control channel has the number
    // control_fd, fds are the others. The handlers are called from io. In the background it stays
    // until it runs normally, or as long as it gets on there.
    static base::Result<std::shared_ptr<Child>> start(boost::asio::io_context& io, ipc::Role role,
                                                      const std::vector<std::string>& arguments,
                                                      int control_fd, std::vector<FdMapping> fds,
                                                      Handlers handlers, Priority priority);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // "front (pid 123)".
    const std::string& name() const { return name_; }
    pid_t pid() const { return process_.pid; }
    // False: it is gone or stuck.
    template <typename Message>
    bool send(const Message& message, int fd_to_pass = -1) {
        return control_.send(message, fd_to_pass);
    }
    void signal(int signal) const { send_signal(process_, signal); }
    // It has said that it is ready: it is not in the background any more, and if it ends, what it
    // has said last is of interest.
    void is_ready();

  private:
    Child(boost::asio::io_context& io, ipc::Role role, Spawned process, ipc::Channel control,
          Handlers handlers);
    void watch_process();
    void watch_background(std::chrono::nanoseconds used);

    std::string name_;
    Spawned process_;
    Handlers handlers_;
    bool ready_ = false;
    ipc::Link control_;
    boost::asio::posix::stream_descriptor process_watch_;  // on process_.pidfd
    boost::asio::steady_timer background_;
};

}  // namespace summond::proc
