#include "vmm_front_link.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "summond/base/log.hpp"
#include "wire_messages.hpp"

namespace summond::roles {
namespace {

// A query has not waited longer for its Wake, whatever a front says.
constexpr std::chrono::seconds longest_ago{10};

ipc::Phase phase(const vm::Status& status) {
    switch (status.phase) {
        case vm::Phase::asleep:
            return status.waits ? ipc::Phase::waiting : ipc::Phase::asleep;
        case vm::Phase::building:
            return ipc::Phase::building;
        case vm::Phase::booting:
            return ipc::Phase::booting;
        case vm::Phase::ready:
            return ipc::Phase::ready;
        case vm::Phase::failed:
            return ipc::Phase::failed;
    }
    return ipc::Phase::asleep;
}

std::uint32_t in_ms(base::Duration d) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

// A front that is being replaced may ask for a service that is configured no more.
ipc::State state_of(service::Id service, const vm::Manager& manager) {
    constexpr vm::Status refused{.phase = vm::Phase::failed,
                                 .failure = service::WakeFailure::refused,
                                 .retry_after = {},
                                 .since_wake = {}};
    const vm::Status status = manager.status(service).value_or(refused);
    ipc::State state{};
    state.service = service;
    state.phase = phase(status);
    state.failure = static_cast<std::uint32_t>(status.failure);
    state.retry_after_ms = in_ms(status.retry_after);
    state.woken_ms_ago = in_ms(status.since_wake);
    return state;
}

}  // namespace

FrontLink::FrontLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                     std::function<void(FrontLink*)> closed)
    : manager_(manager),
      link_(io, std::move(channel),
            {[this](const ipc::Received& message) { return handle(message); },
             [this, closed = std::move(closed)] { closed(this); }, [this] { flush(); }}) {
    for (const service::Id service : manager_.services())
        changed(service);
}

bool FrontLink::handle(const ipc::Received& message) {
    if (message.type == ipc::Type::wake) {
        const auto& [service, asked_ns, from] = message.as<ipc::Wake>();
        const auto status = manager_.status(service);
        // Not by way of unsent_, which would grow with what a hostile front makes up.
        if (!status) {
            link_.send(state_of(service, manager_));
            return true;
        }
        const auto now = std::chrono::steady_clock::now();
        const base::TimePoint asked_at{std::chrono::nanoseconds(asked_ns)};
        manager_.wake(service, service::WakeReason::dns, std::clamp(asked_at, now - longest_ago, now));
        // Only now: a domain that waits is awake already.
        if (status->phase == vm::Phase::asleep) {
            const bool awake = manager_.status(service)->phase == vm::Phase::ready;
            spdlog::info("{} {} for a query from {}", awake ? "woke" : "waking",
                         manager_.name(service), text_of(from));
        }
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
    return false;
}

// At once: what comes next in vmm's loop may be libxl's making of a domain, which takes long.
void FrontLink::changed(service::Id service) {
    unsent_.insert(service);
    flush();
}

void FrontLink::flush() {
    while (!unsent_.empty() && link_.send(state_of(*unsent_.begin(), manager_)))
        unsent_.erase(unsent_.begin());
}

}  // namespace summond::roles
