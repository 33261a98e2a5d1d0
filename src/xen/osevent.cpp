#include "osevent.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

namespace summond::xen {
namespace {

namespace asio = boost::asio;

// One registration of libxl's. Asio makes a descriptor that it waits for non-blocking, for all who
// share it, and libxl reads from pipes of its helpers that have to block. So Asio gets an epoll
// instance, which is readable when the descriptor is ready; each registration has its own, since
// libxl may register a descriptor more than once.
class Fd : public std::enable_shared_from_this<Fd> {
  public:
    Fd(OsEvents& owner, int fd, int epoll, void* for_libxl)
        : owner_(owner), fd_(fd), epoll_(owner.io(), epoll), for_libxl_(for_libxl) {}

    // False: it cannot be waited for.
    bool want(short events) {
        const bool first = std::exchange(events_, events) == none;
        epoll_event event{};
        event.events = static_cast<std::uint32_t>(events);  // POLLIN is EPOLLIN, and so on
        const int operation = first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        if (!always_ready_ && ::epoll_ctl(epoll_.native_handle(), operation, fd_, &event) != 0) {
            if (errno != EPERM)
                return false;
            always_ready_ = true;  // a file on a disk
        }
        wait();
        return true;
    }

    void end() {
        registered_ = false;
        epoll_.close();
    }

  private:
    // Nothing is wanted: nor are hang-ups, which epoll tells all the same.
    void wait() {
        if (events_ == 0 || std::exchange(waiting_, true))
            return;
        auto ready = [self = shared_from_this()](const boost::system::error_code& ec) {
            self->waiting_ = false;
            if (!ec && self->registered_)
                self->occurred();
            if (!ec && self->registered_)
                self->wait();
        };
        if (always_ready_)
            asio::post(owner_.io(), [ready] { ready({}); });
        else
            epoll_.async_wait(asio::posix::stream_descriptor::wait_read, std::move(ready));
    }

    void occurred() {
        pollfd state{fd_, events_, 0};
        if (::poll(&state, 1, 0) > 0 && state.revents != 0)
            libxl_osevent_occurred_fd(owner_.ctx(), for_libxl_, fd_, events_, state.revents);
    }

    static constexpr short none = -1;

    OsEvents& owner_;
    int fd_;
    asio::posix::stream_descriptor epoll_;
    void* for_libxl_;
    short events_ = none;
    bool always_ready_ = false;
    bool waiting_ = false;
    bool registered_ = true;
};

class Timeout : public std::enable_shared_from_this<Timeout> {
  public:
    Timeout(OsEvents& owner, void* for_libxl)
        : owner_(owner), timer_(owner.io()), for_libxl_(for_libxl) {}

    void at(std::chrono::steady_clock::duration from_now) {
        timer_.expires_after(from_now);
        timer_.async_wait([self = shared_from_this()](const auto& ec) {
            if (ec || self->fired_)
                return;
            self->fired_ = true;
            libxl_osevent_occurred_timeout(self->owner_.ctx(), self->for_libxl_);
        });
    }
    bool fired() const { return fired_; }

  private:
    OsEvents& owner_;
    asio::steady_timer timer_;
    void* for_libxl_;
    bool fired_ = false;
};

using FdHolder = std::shared_ptr<Fd>;

int fd_register(void* user, int fd, void** out, short events, void* for_libxl) {
    auto* owner = static_cast<OsEvents*>(user);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return ERROR_OSEVENT_REG_FAIL;
    auto registration = std::make_shared<Fd>(*owner, fd, epoll, for_libxl);
    if (!registration->want(events)) {
        registration->end();
        return ERROR_OSEVENT_REG_FAIL;
    }
    *out = new FdHolder(std::move(registration));
    return 0;
}

int fd_modify(void*, int, void** registration, short events) {
    return (*static_cast<FdHolder*>(*registration))->want(events) ? 0 : ERROR_OSEVENT_REG_FAIL;
}

void fd_deregister(void*, int, void* registration) {
    auto* holder = static_cast<FdHolder*>(registration);
    (*holder)->end();
    delete holder;
}

int timeout_register(void* user, void** out, timeval abs, void* for_libxl) {
    auto* owner = static_cast<OsEvents*>(user);
    timeval now{};
    ::gettimeofday(&now, nullptr);
    const auto wait = std::chrono::seconds(abs.tv_sec - now.tv_sec) +
                      std::chrono::microseconds(abs.tv_usec - now.tv_usec);
    auto timeout = std::make_shared<Timeout>(*owner, for_libxl);
    timeout->at(wait);
    // The pending wait keeps it alive, and libxl modifies only what has not yet occurred.
    *out = timeout.get();
    return 0;
}

int timeout_modify(void*, void** registration, timeval) {
    auto* timeout = static_cast<Timeout*>(*registration);
    timeout->at(std::chrono::steady_clock::duration::zero());
    return 0;
}

void timeout_deregister(void*, void*) {}  // never called

constexpr libxl_osevent_hooks hooks{fd_register,      fd_modify,      fd_deregister,
                                    timeout_register, timeout_modify, timeout_deregister};

}  // namespace

void OsEvents::attach(libxl_ctx* ctx) {
    ctx_ = ctx;
    libxl_osevent_register_hooks(ctx, &hooks, this);
}

}  // namespace summond::xen
