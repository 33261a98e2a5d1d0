#include "summond/net/services.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "summond/base/log.hpp"
#include "summond/service/instance.hpp"
#include "view.hpp"

namespace summond::net {

using answer::Availability;
using service::Phase;
using service::WakeFailure;

namespace {

// Longer than a query can be parked: nobody waits for an instance that has been asleep for so long.
constexpr unsigned quiet_seconds = 15;

WakeFailure checked(WakeFailure failure) {
    return failure > WakeFailure::none && failure <= WakeFailure::last ? failure
                                                                       : WakeFailure::start_failed;
}

}  // namespace

Services::Services(const std::vector<Setting>& settings, const base::Clock& clock,
                   std::function<void()> changed, std::function<void()> heard, answer::Rules* rules)
    : clock_(clock),
      changed_(std::move(changed)),
      heard_(std::move(heard)),
      settings_(settings),
      rules_(rules),
      instances_(rules == nullptr ? nullptr : &rules->instances()),
      states_(settings.size() + (rules == nullptr ? 0 : instances_->places())),
      wanted_(states_.size()),
      late_(states_.size()),
      wanted_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      services_(states_.size()) {
    if (!wanted_fd_)
        throw std::system_error(errno, std::generic_category(), "eventfd");
    for (std::uint32_t i = 0; i < settings.size(); ++i) {
        services_[i].id = settings[i].id;
        services_[i].answer = settings[i].answer;
        if (settings_[i].wakers)
            states_[i].wakers = &*settings_[i].wakers;
        states_[i].holds_packets = settings[i].holds_packets;
        states_[i].by_proof = settings[i].by_proof;
        if (settings_[i].replicas)
            states_[i].replicas = &*settings_[i].replicas;
        index_.emplace(settings[i].id, i);
    }
}

void Services::want(std::uint32_t service, std::span<const std::uint8_t> client,
                    const Wish& wish) noexcept {
    Want& want = wanted_[service];
    Want::State state = Want::free;
    if (!want.state.compare_exchange_strong(state, Want::claimed, std::memory_order_acquire))
        return;
    const std::size_t size = std::min(client.size(), sizeof want.client.bytes);
    want.client.size = static_cast<std::uint8_t>(size);
    std::copy_n(client.begin(), size, want.client.bytes);
    want.asked = clock_.now();
    want.wish = wish;
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
    for (std::uint32_t i = 0; i < end(); ++i) {
        tell_waited(i);
        Want& want = wanted_[i];
        if (want.state.load(std::memory_order_acquire) != Want::written)
            continue;
        services_[i].client = want.client;
        services_[i].asked = want.asked;
        const Wish wish = want.wish;
        if (wish.type != 0)
            services_[i].query_type = wish.type;
        want.state.store(Want::free, std::memory_order_release);
        const auto availability = states_[i].availability.load(std::memory_order_relaxed);
        if (availability != Availability::asleep && availability != Availability::waiting)
            continue;
        if (is_place(i) && !settle(i))
            continue;
        services_[i].promised = wish.promised || availability == Availability::waiting;
        services_[i].proved = wish.proved;
        wake(i);
    }
}

// From here on, the service counts as starting, or as up where that takes no time: one Wake,
// however many want it.
void Services::wake(std::uint32_t service) {
    Service& wanted = services_[service];
    wanted.unsent = is_connected() && !send_wake(service);
    wanted.waking = true;
    const auto before = states_[service].availability.load(std::memory_order_relaxed);
    const bool at_once = before == Availability::waiting || before == Availability::answerable;
    set(service, at_once ? Availability::answerable : Availability::starting);
    set_timer(service, clock_.now() + (wanted.unsent ? send_patience : wake_patience));
}

bool Services::send_wake(std::uint32_t service) {
    const Service& wanted = services_[service];
    const std::chrono::nanoseconds asked = wanted.asked.time_since_epoch();
    // Who has been promised a wake asks for no other.
    const std::uint8_t proved = wanted.proved || wanted.promised ? 1 : 0;
    if (!is_place(service))
        return vmm_.send(
            ipc::Wake{wanted.id, asked.count(), wanted.client, wanted.query_type, proved, {}});
    const auto owner = instances_->owner(service);
    if (!owner)
        return true;
    ipc::WakeInstance message{};
    message.service = settings_[owner->service].id;
    message.asked_ns = asked.count();
    message.from = wanted.client;
    message.query_type = wanted.query_type;
    message.proved = proved;
    message.size = static_cast<std::uint8_t>(owner->id.size);
    std::ranges::copy(owner->id.view(), message.id);
    return vmm_.send(message);
}

std::uint32_t Services::end() const {
    return instances_ == nullptr ? static_cast<std::uint32_t>(services_.size()) : instances_->end();
}

// The place has an instance, which vmm's states will be about. False: it has none, or one that
// cannot be told from another, which somebody must have chosen so.
bool Services::settle(std::uint32_t place) {
    const auto owner = instances_->owner(place);
    if (!owner)
        return false;
    const service::Id id =
        service::id_of(service::instance_name(settings_[owner->service].name, owner->id.view()));
    const auto [known, is_new] = index_.try_emplace(id, place);
    if (known->second != place)
        return false;
    instances_->be_busy(place);
    if (is_new) {
        services_[place].id = id;
        services_[place].answer = settings_[owner->service].answer;
    }
    return true;
}

void Services::leave(std::uint32_t place) {
    index_.erase(services_[place].id);
    set_timer(place, std::nullopt);
    services_[place] = {};
    states_[place].failure.store(WakeFailure::none, std::memory_order_relaxed);
    states_[place].asked.store(false, std::memory_order_relaxed);
    instances_->release(place);
}

void Services::release_quiet() {
    if (instances_ == nullptr)
        return;
    for (std::uint32_t i = instances_->first(); i < instances_->end(); ++i) {
        const bool asleep =
            states_[i].availability.load(std::memory_order_relaxed) == Availability::asleep &&
            !services_[i].waking && !keeps_promise(services_[i]);
        if (!asleep)
            instances_->be_busy(i);
        else if (instances_->be_quiet(i) > quiet_seconds && instances_->owner(i))
            leave(i);
    }
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
                 if (message.type == ipc::Type::state)
                     on_state(message.as<ipc::State>());
                 else if (message.type == ipc::Type::pressure)
                     on_pressure(message.as<ipc::Pressure>().on != 0);
                 else if (message.type == ipc::Type::load)
                     on_load(message.as<ipc::Load>());
                 else if (message.type == ipc::Type::ready)
                     told_all();
                 else
                     return false;
                 return true;
             },
         .closed =
             [this] {
                 spdlog::warn("vmm is gone: services that are up are answered, others wait");
                 disconnected();
             },
         .received = [this] { after_hearing(); }});
    connected_.store(true, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < end(); ++i) {
        services_[i].hearsay =
            states_[i].availability.load(std::memory_order_relaxed) != Availability::asleep;
        if (services_[i].waking || keeps_promise(services_[i]))
            wake(i);
    }
}

void Services::disconnected() {
    connected_.store(false, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < end(); ++i) {
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
    service.hearsay = false;
    if (is_place(i))  // before the availability: who is told of it finds the address
        any_changed_ |= instances_->lease(i, std::to_array(state.ipv4));
    // vmm may have said so before it received the Wake. If it does not follow, those who wait ask
    // again after wake_patience.
    if (state.phase == Phase::asleep && service.waking)
        return;

    service.waking = false;
    if (state.phase != Phase::asleep)
        service.promised = false;
    service.phase = state.phase;
    // One that is not ready yet is no better than one that others suffice without.
    states_[i].load.store(state.phase == Phase::ready ? 0 : answer::spare_replica,
                          std::memory_order_relaxed);
    if (state.phase == Phase::failed)  // before the availability, which publishes it
        states_[i].failure.store(checked(state.failure), std::memory_order_relaxed);
    const View view = view_of(state, service.answer);
    set_timer(i, view.lasts ? std::optional(clock_.now() + *view.lasts) : std::nullopt);
    set(i, view.availability);
}

// What the vmm before has said of others is true no more: their domains ended while there was none.
void Services::told_all() {
    for (std::uint32_t i = 0; i < end(); ++i) {
        Service& service = services_[i];
        if (!std::exchange(service.hearsay, false) || service.waking)
            continue;
        fall_asleep(i);
        if (is_place(i))
            instances_->lease(i, {});
        // Whoever has been given its address meanwhile is on the way there, and does not ask again.
        if (!states_[i].asked.exchange(false, std::memory_order_relaxed))
            continue;
        service.promised = true;
        service.client = {};
        service.asked = clock_.now();
        wake(i);
    }
}

void Services::on_load(const ipc::Load& load) {
    const auto found = index_.find(load.service);
    if (found == index_.end() || services_[found->second].phase != Phase::ready)
        return;
    states_[found->second].load.store(
        load.spare != 0 ? answer::spare_replica : std::min(load.packets, answer::spare_replica - 1),
        std::memory_order_relaxed);
}

// Wakes without proof of which vmm has said nothing before this it has refused: those who wait for
// them are asked for proof.
void Services::on_pressure(bool on) {
    pressure_.store(on, std::memory_order_relaxed);
    for (std::uint32_t i = 0; on && i < end(); ++i)
        if (services_[i].waking && !services_[i].proved && !services_[i].promised)
            fall_asleep(i);
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
    for (std::uint32_t i = 0; i < end(); ++i) {
        if (!states_[i].asked.load(std::memory_order_relaxed) || services_[i].hearsay)
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
