// Sees which files of directories come and go: those that are the ids of services (`ids: {file}`).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "summond/service/pattern.hpp"

namespace summond::roles {

// When a file or a directory was changed, of the real-time clock in ns; 0: it is not there.
std::int64_t changed_at(const std::string& path);

class Watch {
  public:
    using Files = service::Pattern::Files;
    // changed: some may have come or gone; called often when many do.
    Watch(boost::asio::io_context& io, std::function<void()> changed);

    // What is watched from now on. Changes since since_ns (as of changed_at) count, too.
    void set(std::vector<Files> files, std::int64_t since_ns);
    void end();

  private:
    using Descriptor = boost::asio::posix::stream_descriptor;
    struct Watched {
        Files files;
        int number = -1;              // of inotify; -1: not seen by it
        std::int64_t changed_ns = 0;  // its directory, the last time that somebody looked
    };
    void look_again();
    void wait(const std::shared_ptr<Descriptor>& inotify);
    bool read(int fd);

    boost::asio::io_context& io_;
    std::function<void()> changed_;
    std::vector<Watched> watched_;
    bool gone_ = false;  // a directory is, and that has been said
    std::shared_ptr<Descriptor> inotify_;
    boost::asio::steady_timer timer_;
};

}  // namespace summond::roles
