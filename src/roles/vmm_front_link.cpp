#include "vmm_front_link.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "summond/base/log.hpp"
#include "summond/ipc/state.hpp"
#include "wire_messages.hpp"

namespace summond::roles {
namespace {

// A query has not waited longer for its Wake, whatever a front says.
constexpr std::chrono::seconds longest_ago{10};
constexpr std::chrono::microseconds longest_wait = 2 * longest_ago;

// An address may be free again then.
constexpr std::chrono::seconds refused_for{1};

}  // namespace

FrontLink::FrontLink(boost::asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                     std::function<void(FrontLink*)> closed)
    : manager_(manager),
      link_(io, std::move(channel),
            {[this](const ipc::Received& message) { return handle(message); },
             [this, closed = std::move(closed)] { closed(this); }, [this] { flush(); }}) {
    for (const service::Status& status : manager_.statuses())
        changed(status);
    flush();
}

bool FrontLink::handle(const ipc::Received& message) {
    if (message.type == ipc::Type::wake) {
        const auto wanted = message.as<ipc::Wake>();
        if (wanted.proved != 0 || !manager_.needs_proof(wanted.service))
            wake(wanted.service, wanted.asked_ns, wanted.from, wanted.query_type);
        return true;
    }
    if (message.type == ipc::Type::wake_instance) {
        const auto wanted = message.as<ipc::WakeInstance>();
        if (wanted.size == 0 || wanted.size > sizeof wanted.id)
            return false;
        if (wanted.proved == 0 && manager_.needs_proof(wanted.service))
            return true;
        // What it is called is checked by the rule: nothing else can come of what a front says.
        const std::string_view id(wanted.id, wanted.size);
        auto why = service::WakeFailure::none;
        if (const auto service = manager_.instance(wanted.service, id, &why))
            wake(*service, wanted.asked_ns, wanted.from, wanted.query_type);
        else if (why != service::WakeFailure::none)
            refuse(
                service::id_of(service::instance_name(manager_.pattern_name(wanted.service), id)),
                why);
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
    if (message.type == ipc::Type::waited) {
        const auto waited = message.as<ipc::Waited>();
        manager_.waited(waited.service, waited.queries,
                        std::chrono::microseconds(
                            std::clamp<std::int64_t>(waited.longest_us, 0, longest_wait.count())));
        return true;
    }
    return false;
}

void FrontLink::wake(service::Id service, std::int64_t asked_ns, const ipc::Address& from,
                     std::uint16_t query_type) {
    const auto now = std::chrono::steady_clock::now();
    const base::TimePoint asked_at{std::chrono::nanoseconds(asked_ns)};
    const auto woken = manager_.wake(service, service::WakeReason::dns,
                                     std::clamp(asked_at, now - longest_ago, now), query_type);
    // A front that is being replaced may ask for a service that is configured no more. Not by way
    // of unsent_, which would grow with what a hostile front makes up.
    if (woken == vm::Woken::unknown)
        link_.send(ipc::state_of(service::unknown(service), now));
    if (woken == vm::Woken::begun || woken == vm::Woken::done)
        spdlog::info("{} {} for a query from {}", woken == vm::Woken::done ? "woke" : "waking",
                     manager_.name(service), to_string(from));
}

// Not by way of unsent_, which would grow with what a hostile front makes up.
void FrontLink::refuse(service::Id instance, service::WakeFailure why) {
    const auto now = std::chrono::steady_clock::now();
    link_.send(ipc::state_of({.service = instance,
                              .phase = service::Phase::failed,
                              .failure = why,
                              .retry_at = now + refused_for},
                             now));
}

// At once: what comes next in vmm's loop may be libxl's making of a domain, which takes long.
void FrontLink::changed(const service::Status& status) {
    unsent_.insert_or_assign(status.service, status);
    flush();
}

void FrontLink::flush() {
    while (!unsent_.empty() &&
           link_.send(ipc::state_of(unsent_.begin()->second, std::chrono::steady_clock::now())))
        unsent_.erase(unsent_.begin());
    if (unsent_.empty() && !told_all_)
        told_all_ = link_.send(ipc::Ready{});
    // After these, so that the front knows which wakes had been begun before.
    const bool pressure = manager_.pressure() != 0;
    if (unsent_.empty() && told_pressure_ != pressure &&
        link_.send(ipc::Pressure{pressure ? 1U : 0U}))
        told_pressure_ = pressure;
}

}  // namespace summond::roles
