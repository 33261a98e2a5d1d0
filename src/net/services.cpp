#include "summond/net/services.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "summond/base/log.hpp"
#include "view.hpp"

namespace summond::net {

using answer::Availability;
using service::Phase;
using service::WakeFailure;

namespace {

WakeFailure checked(WakeFailure failure) {
    return failure > WakeFailure::none && failure <= WakeFailure::last ? failure
                                                                       : WakeFailure::start_failed;
}

}  // namespace

Services::Services(const std::vector<Setting>& settings, const base::Clock& clock,
                   std::function<void()> changed, std::function<void()> heard)
    : clock_(clock),
      changed_(std::move(changed)),
      heard_(std::move(heard)),
      settings_(settings),
      states_(settings.size()),
      wanted_(settings.size()),
      late_(settings.size()),
      wanted_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      services_(settings.size()) {
    if (!wanted_fd_)
        throw std::system_error(errno, std::generic_category(), "eventfd");
    for (std::uint32_t i = 0; i < settings.size(); ++i) {
        services_[i].id = settings[i].id;
        services_[i].answer = settings[i].answer;
        if (settings_[i].wakers)
            states_[i].wakers = &*settings_[i].wakers;
        states_[i].holds_packets = settings[i].holds_packets;
        index_.emplace(settings[i].id, i);
    }
}

void Services::want(std::uint32_t service, std::span<const std::uint8_t> client, std::uint16_t type,
                    bool promised) noexcept {
    Want& want = wanted_[service];
    Want::State state = Want::free;
    if (!want.state.compare_exchange_strong(state, Want::claimed, std::memory_order_acquire))
        return;
    const std::size_t size = std::min(client.size(), sizeof want.client.bytes);
    want.client.size = static_cast<std::uint8_t>(size);
    std::copy_n(client.begin(), size, want.client.bytes);
    want.asked = clock_.now();
    want.query_type = type;
    want.promised = promised;
    want.state.store(Want::written, std::memory_order_release);
    ::eventfd_write(wanted_fd_.get(), 1);
}

void Services::waited(std::uint32_t service, base::Duration time) noexcept {
    Late& late = late_[service];
    const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    std::int64_t longest = late.longest_us.load(std::memory_order_relaxed);
    while (us > longest &&
           !late.longest_us.compare_exchange_weak(longest, us, std::memory_order_relaxed)) {
    }
    if (late.queries.fetch_add(1, std::memory_order_release) == 0)
        ::eventfd_write(wanted_fd_.get(), 1);
}

void Services::tell_waited(std::uint32_t service) {
    Late& late = late_[service];
    if (late.queries.load(std::memory_order_relaxed) == 0)
        return;
    const std::uint32_t queries = late.queries.exchange(0, std::memory_order_acquire);
    // No more than a number for people: where vmm does not take it, it is not told again.
    const std::int64_t longest = late.longest_us.exchange(0, std::memory_order_relaxed);
    if (is_connected())
        vmm_.send(ipc::Waited{services_[service].id, longest, queries, 0});
}

void Services::take_wanted() {
    eventfd_t ignored;
    ::eventfd_read(wanted_fd_.get(), &ignored);
    // Only now the flags: what is set later writes the eventfd again.
    for (std::uint32_t i = 0; i < wanted_.size(); ++i) {
        tell_waited(i);
        Want& want = wanted_[i];
        if (want.state.load(std::memory_order_acquire) != Want::written)
            continue;
        services_[i].client = want.client;
        services_[i].asked = want.asked;
        if (want.query_type != 0)
            services_[i].query_type = want.query_type;
        const bool promised = want.promised;
        want.state.store(Want::free, std::memory_order_release);
        const auto availability = states_[i].availability.load(std::memory_order_relaxed);
        if (availability != Availability::asleep && availability != Availability::waiting)
            continue;
        services_[i].promised = promised || availability == Availability::waiting;
        wake(i);
    }
}

// From here on, the service counts as starting, or as up where that takes no time: one Wake,
// however many want it.
void Services::wake(std::uint32_t service) {
    Service& wanted = services_[service];
    const std::chrono::nanoseconds asked = wanted.asked.time_since_epoch();
    wanted.unsent = is_connected() && !vmm_.send(ipc::Wake{wanted.id, asked.count(), wanted.client,
                                                           wanted.query_type});
    wanted.waking = true;
    const auto before = states_[service].availability.load(std::memory_order_relaxed);
    const bool at_once = before == Availability::waiting || before == Availability::answerable;
    set(service, at_once ? Availability::answerable : Availability::starting);
    set_timer(service, clock_.now() + (wanted.unsent ? send_patience : wake_patience));
}

void Services::connect(boost::asio::io_context& io, ipc::Channel channel) {
    // A process that the one before has started may hold its end of the channel for a while.
    if (is_connected()) {
        vmm_.close();
        disconnected();
    }
    vmm_ = ipc::Link(
        io, std::move(channel),
        {.message =
             [this](const ipc::Received& message) {
                 if (message.type != ipc::Type::state)
                     return false;
                 on_state(message.as<ipc::State>());
                 return true;
             },
         .closed =
             [this] {
                 spdlog::warn("vmm is gone: services that are up are answered, others wait");
                 disconnected();
             },
         .received = [this] { after_hearing(); }});
    connected_.store(true, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
        if (services_[i].waking || keeps_promise(services_[i]))
            wake(i);
    }
}

void Services::disconnected() {
    connected_.store(false, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
        const auto availability = states_[i].availability.load(std::memory_order_relaxed);
        if (availability == Availability::waiting)
            fall_asleep(i);
        // What was being started is unknown now. A domain that already runs will be adopted by the
        // next vmm; a pending delay is answered when it has passed.
        if (availability == Availability::starting &&
            !(services_[i].phase == Phase::booting && services_[i].due)) {
            services_[i].phase = Phase::asleep;
            wake(i);
        }
    }
    after_hearing();
}

void Services::receive() {
    vmm_.receive();
    after_hearing();
}

void Services::after_hearing() {
    tell_changed();
    if (heard_)
        heard_();
}

void Services::on_state(const ipc::State& state) {
    const auto found = index_.find(state.service);
    if (found == index_.end() || state.phase > Phase::last)
        return;
    const std::uint32_t i = found->second;
    Service& service = services_[i];
    // vmm may have said so before it received the Wake. If it does not follow, those who wait ask
    // again after wake_patience.
    if (state.phase == Phase::asleep && service.waking)
        return;

    service.waking = false;
    if (state.phase != Phase::asleep)
        service.promised = false;
    service.phase = state.phase;
    if (state.phase == Phase::failed)  // before the availability, which publishes it
        states_[i].failure.store(checked(state.failure), std::memory_order_relaxed);
    const View view = view_of(state, service.answer);
    set_timer(i, view.lasts ? std::optional(clock_.now() + *view.lasts) : std::nullopt);
    set(i, view.availability);
}

void Services::fall_asleep(std::uint32_t i) {
    services_[i].phase = Phase::asleep;
    services_[i].waking = false;
    set_timer(i, std::nullopt);
    set(i, Availability::asleep);
}

void Services::set(std::uint32_t i, Availability availability) {
    const auto before = states_[i].availability.exchange(availability, std::memory_order_acq_rel);
    // Of a service whose copy waits, nobody is parked: there is nobody to be told that it has
    // woken.
    const bool as_good =
        before == Availability::waiting && availability == Availability::answerable;
    any_changed_ |= before != availability && !as_good && availability != Availability::starting;
}

void Services::set_timer(std::uint32_t i, std::optional<base::TimePoint> due) {
    if (services_[i].due)
        timers_.erase({*services_[i].due, i});
    services_[i].due = due;
    if (due)
        timers_.emplace(*due, i);
}

std::optional<base::TimePoint> Services::next_timer() const {
    return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first);
}

void Services::run_timers() {
    const base::TimePoint now = clock_.now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const std::uint32_t i = timers_.begin()->second;
        if (services_[i].phase == Phase::booting) {  // the delay has passed
            set_timer(i, std::nullopt);
            set(i, Availability::answerable);
        } else {  // the Wake remained without an answer, or the failure is old enough to try again
            fall_asleep(i);
            if (services_[i].unsent && keeps_promise(services_[i]))
                wake(i);
        }
    }
    tell_changed();
}

void Services::tell_changed() {
    if (std::exchange(any_changed_, false))
        changed_();
}

void Services::send_touches() {
    if (!is_connected())
        return;  // the flags stay for the next vmm
    ipc::Touch touch{};
    std::vector<std::uint32_t> in_message;
    const auto send = [&] {
        if (touch.count > 0 && !vmm_.send(touch)) {
            for (const std::uint32_t i : in_message)
                states_[i].asked.store(true, std::memory_order_relaxed);
        }
        touch = {};
        in_message.clear();
    };
    for (std::uint32_t i = 0; i < services_.size(); ++i) {
        if (!states_[i].asked.load(std::memory_order_relaxed))
            continue;
        states_[i].asked.store(false, std::memory_order_relaxed);
        touch.services[touch.count++] = services_[i].id;
        in_message.push_back(i);
        if (touch.count == ipc::Touch::capacity)
            send();
    }
    send();
}

}  // namespace summond::net
