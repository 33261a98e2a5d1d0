#include "osevent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/time.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

namespace summond::xen {
namespace {

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

// One registration of libxl's. Works on a duplicate of the descriptor, because libxl may register
// one more than once and Asio would close what it is given.
class Fd : public std::enable_shared_from_this<Fd> {
  public:
    Fd(OsEvents& owner, int fd, int copy, void* for_libxl)
        : owner_(owner), fd_(fd), descriptor_(owner.io(), copy), for_libxl_(for_libxl) {}

    void want(short events) {
        events_ = events;
        ++generation_;
        descriptor_.cancel();
        arm(POLLIN, Wait::wait_read);
        arm(POLLOUT, Wait::wait_write);
        arm(POLLPRI, Wait::wait_error);
    }

    void end() {
        registered_ = false;
        descriptor_.close();
    }

  private:
    void arm(short event, Wait wait) {
        if ((events_ & event) == 0)
            return;
        descriptor_.async_wait(wait, [self = shared_from_this(), event, wait,
                                      generation = generation_](const auto& ec) {
            // A file on a disk cannot be waited for, as it is always ready.
            const bool failed = ec && ec != asio::error::operation_not_supported;
            if (failed || !self->registered_ || generation != self->generation_)
                return;
            self->occurred();
            if (self->registered_ && generation == self->generation_)
                self->arm(event, wait);
        });
    }

    void occurred() {
        pollfd state{descriptor_.native_handle(), events_, 0};
        if (::poll(&state, 1, 0) > 0 && state.revents != 0)
            libxl_osevent_occurred_fd(owner_.ctx(), for_libxl_, fd_, events_, state.revents);
    }

    OsEvents& owner_;
    int fd_;  // libxl knows the registration by it
    asio::posix::stream_descriptor descriptor_;
    void* for_libxl_;
    short events_ = 0;
    unsigned generation_ = 0;
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
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return ERROR_OSEVENT_REG_FAIL;
    auto registration = std::make_shared<Fd>(*owner, fd, copy, for_libxl);
    registration->want(events);
    *out = new FdHolder(std::move(registration));
    return 0;
}

int fd_modify(void*, int, void** registration, short events) {
    (*static_cast<FdHolder*>(*registration))->want(events);
    return 0;
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
