#include "summond/wire/follower.hpp"

#include <algorithm>
#include <utility>

namespace summond::wire {

Follower::Follower(const base::Clock& clock, Outside& outside, const ProofSecret& secret)
    : clock_(clock), outside_(outside), proxy_(clock, *this, secret) {}

void Follower::vmm_speaks() {
    if (std::exchange(told_anew_, true))
        return;
    outside_.close_all();
    epochs_.clear();
    lingering_.clear();
    listening_.clear();
    proxy_.begin_anew();
}

void Follower::remove(service::Id service) {
    detach(service);
    epochs_.erase(service);
    proxy_.remove(service);
}

void Follower::set_state(service::Id service, GuestState state, std::uint32_t epoch) {
    epochs_[service] = epoch;
    proxy_.set_state(service, state);
    if (state != GuestState::starting && state != GuestState::running &&
        state != GuestState::waiting)
        detach(service);
}

void Follower::detach(service::Id service) {
    proxy_.detach(service);
    outside_.close_guest(service);
}

std::optional<base::TimePoint> Follower::deadline() const {
    auto next = proxy_.deadline();
    for (const auto* open : {&lingering_, &listening_})
        if (!open->empty() && (!next || open->front().until < *next))
            next = open->front().until;
    return next;
}

void Follower::tick() {
    const auto now = clock_.now();
    while (!lingering_.empty() && now >= lingering_.front().until) {
        Lingering one = lingering_.front();
        lingering_.pop_front();
        if (!is_current(one))
            continue;
        if (!proxy_.is_silent(one.service)) {
            detach(one.service);
            continue;
        }
        // What is flooded by the bridge reaches it without us.
        proxy_.detach(one.service);
        one.until += listen - linger;
        listening_.push_back(one);
    }
    while (!listening_.empty() && now >= listening_.front().until) {
        const Lingering one = listening_.front();
        listening_.pop_front();
        if (is_current(one))
            detach(one.service);
    }
    proxy_.tick();
}

void Follower::from_guest(service::Id service, std::span<const std::uint8_t> frame) {
    proxy_.from_guest(service, frame);
    const auto it = std::ranges::find_if(listening_, [this, service](const Lingering& one) {
        return one.service == service && is_current(one);
    });
    if (it == listening_.end() || (--it->frames > 0 && proxy_.is_silent(service)))
        return;
    listening_.erase(it);
    detach(service);
}

void Follower::to_bridge(unsigned tap, std::span<const std::uint8_t> frame) {
    outside_.to_bridge(tap, frame);
}

void Follower::to_guest(service::Id service, std::span<const std::uint8_t> frame) {
    outside_.to_guest(service, frame);
}

void Follower::wake(service::Id service, const frames::IpPacket& first, bool proved) {
    outside_.wake(service, first, proved);
}

void Follower::handed_over(service::Id service, const HandOver& what) {
    const std::uint32_t epoch = epochs_[service];
    outside_.handed_over(service, epoch, what);
    if (!what.young)
        let_linger(service, epoch);
}

void Follower::grown(service::Id service) {
    const std::uint32_t epoch = epochs_[service];
    outside_.grown(service, epoch);
    let_linger(service, epoch);
}

void Follower::first_byte(service::Id service) {
    outside_.first_byte(service, epochs_[service]);
}

void Follower::let_linger(service::Id service, std::uint32_t epoch) {
    lingering_.push_back({service, epoch, clock_.now() + linger});
}

}  // namespace summond::wire
