#include "parent_watch.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::roles {
namespace {

// For directories that inotify does not see, or not all of: of network file systems, those that
// were not there.
constexpr std::chrono::seconds look_interval{60};

constexpr std::uint32_t of_files = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t of_directory =
    IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW;

// The kernel's times of files are behind its clock by a tick, of 10 ms at most.
constexpr std::int64_t tick_ns = 10'000'000;

}  // namespace

std::int64_t changed_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return 0;
    return std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
}

Watch::Watch(boost::asio::io_context& io, std::function<void()> changed)
    : io_(io), changed_(std::move(changed)), timer_(io) {}

void Watch::set(std::vector<Files> files, std::int64_t since_ns) {
    end();
    if (files.empty())
        return;
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        spdlog::warn("inotify: {}; directories of ids are looked at once a minute",
                     std::strerror(errno));
    else
        inotify_ = std::make_shared<Descriptor>(io_, fd);
    bool changed = false;
    bool gone = false;
    for (Files& each : files) {
        Watched watched{.files = std::move(each)};
        if (fd >= 0)
            watched.number =
                ::inotify_add_watch(fd, watched.files.directory.c_str(),
                                    of_files | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
        // After that, so that nothing is missed between the two.
        watched.changed_ns = changed_at(watched.files.directory);
        changed |= watched.changed_ns + tick_ns >= since_ns;
        gone |= watched.changed_ns == 0;
        watched_.push_back(std::move(watched));
    }
    if (inotify_)
        wait(inotify_);
    look_again();
    // It was there when the files in force were read. Said once, as another load would not find it.
    const bool known = std::exchange(gone_, gone);
    if (changed || (gone && !known))
        changed_();
}

void Watch::end() {
    watched_.clear();
    inotify_.reset();
    timer_.cancel();
}

void Watch::look_again() {
    timer_.expires_after(look_interval);
    timer_.async_wait([this](const auto& error) {
        if (error)
            return;
        look_again();
        bool changed = false;
        for (Watched& watched : watched_) {
            const std::int64_t before = watched.changed_ns;
            watched.changed_ns = changed_at(watched.files.directory);
            changed |= watched.changed_ns != before;
        }
        if (changed)
            changed_();
    });
}

void Watch::wait(const std::shared_ptr<Descriptor>& inotify) {
    inotify->async_wait(Descriptor::wait_read,
                        [this, weak = std::weak_ptr(inotify)](const auto& error) {
                            const auto inotify = weak.lock();
                            if (error || !inotify)
                                return;
                            const bool changed = read(inotify->native_handle());
                            wait(inotify);
                            if (changed)
                                changed_();
                        });
}

// True: of the files that are ids, or of their directories.
bool Watch::read(int fd) {
    bool changed = false;
    alignas(inotify_event) char buffer[16384];
    for (ssize_t r = 0; (r = ::read(fd, buffer, sizeof buffer)) > 0;) {
        for (const char* at = buffer; at < buffer + r;) {
            inotify_event event;
            std::memcpy(&event, at, sizeof event);
            const std::string_view name(event.len > 0 ? at + sizeof event : "");
            at += sizeof event + event.len;
            const int number = event.wd;  // clang does not capture the event, which has no end
            // A directory with two rules has one number.
            const bool of_all = (event.mask & of_directory) != 0;
            gone_ |= of_all;
            changed |= of_all || std::ranges::any_of(watched_, [&](const Watched& watched) {
                           return watched.number == number && watched.files.id_in(name);
                       });
        }
    }
    return changed;
}

}  // namespace summond::roles
