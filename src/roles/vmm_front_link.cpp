#include "vmm_front_link.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "summond/base/log.hpp"
#include "summond/ipc/state.hpp"
#include "wire_messages.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

// Messages taken in one go before libxl and the other fronts have their turn.
constexpr int front_batch = 64;
// A query has not waited longer for its Wake, whatever a front says.
constexpr std::chrono::seconds longest_ago{10};

}  // namespace

FrontLink::FrontLink(asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                     std::function<void(FrontLink*)> closed)
    : channel_(std::move(channel)),
      events_(io, ::fcntl(channel_.fd(), F_DUPFD_CLOEXEC, 0)),
      manager_(manager),
      closed_(std::move(closed)) {
    for (const service::Status& status : manager_.statuses())
        changed(status);
    listen();
}

void FrontLink::listen() {
    events_.async_wait(Wait::wait_read, [this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (!ec && !alive.expired())
            receive();
    });
}

void FrontLink::receive() {
    for (int i = 0; i < front_batch; ++i) {
        const auto message = channel_.receive();
        if (message && !*message)
            break;
        if (!message || !handle(**message)) {
            close();
            return;
        }
    }
    listen();
}

bool FrontLink::handle(const ipc::Received& message) {
    if (message.type == ipc::Type::wake) {
        const auto& [service, asked_ns, from] = message.as<ipc::Wake>();
        const auto now = std::chrono::steady_clock::now();
        const base::TimePoint asked_at{std::chrono::nanoseconds(asked_ns)};
        const auto woken = manager_.wake(service, service::WakeReason::dns,
                                         std::clamp(asked_at, now - longest_ago, now));
        // A front that is being replaced may ask for a service that is configured no more. Not by
        // way of unsent_, which would grow with what a hostile front makes up.
        if (woken == vm::Woken::unknown)
            channel_.send(ipc::state_of(service::unknown(service), now));
        if (woken == vm::Woken::begun || woken == vm::Woken::done)
            spdlog::info("{} {} for a query from {}", woken == vm::Woken::done ? "woke" : "waking",
                         manager_.name(service), text_of(from));
        return true;
    }
    if (message.type == ipc::Type::touch) {
        const auto touch = message.as<ipc::Touch>();
        if (touch.count == 0 || touch.count > ipc::Touch::capacity)
            return false;
        for (std::uint32_t i = 0; i < touch.count; ++i)
            manager_.touch(touch.services[i]);
        return true;
    }
    spdlog::error("a front sent a message that is not a front's; closing its channel");
    return false;
}

// At once: what comes next in vmm's loop may be libxl's making of a domain, which takes long.
void FrontLink::changed(const service::Status& status) {
    unsent_.insert_or_assign(status.service, status);
    if (!blocked_)
        flush();
}

void FrontLink::flush() {
    while (!unsent_.empty()) {
        const service::Status& next = unsent_.begin()->second;
        if (!channel_.send(ipc::state_of(next, std::chrono::steady_clock::now()))) {
            blocked_ = true;
            if (errno != EAGAIN)
                return;  // gone: receive will tell
            events_.async_wait(Wait::wait_write,
                               [this, alive = std::weak_ptr(alive_)](const auto& ec) {
                                   if (ec || alive.expired())
                                       return;
                                   blocked_ = false;
                                   flush();
                               });
            return;
        }
        unsent_.erase(unsent_.begin());
    }
}

void FrontLink::close() {
    closed_(this);
}

}  // namespace summond::roles
