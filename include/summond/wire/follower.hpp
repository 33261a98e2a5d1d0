// Wire's part of what it and vmm tell each other: does what vmm says of services (Steering), and
// says which epoch its answers are about. Between the two stands the SleepProxy, which holds
// packets. A state machine: no I/O, the clock is injected, and what it wants done goes to Outside.
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>

#include "summond/base/clock.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

// Bridges, guests and vmm, as wire reaches them.
class Outside {
  public:
    virtual ~Outside() = default;
    virtual void to_bridge(unsigned tap, std::span<const std::uint8_t> frame) = 0;
    virtual void to_guest(service::Id service, std::span<const std::uint8_t> frame) = 0;
    // All taps and all guests' sockets are of no use any more; of this guest, the socket.
    virtual void close_all() = 0;
    virtual void close_guest(service::Id service) = 0;
    // To vmm. Where it does not take them, the sender's next packet asks again, and a guest is
    // taken for handed over.
    virtual void wake(service::Id service, const frames::IpPacket& first, bool proved) = 0;
    virtual void wake_in(service::Id service, const frames::IpPacket& first, bool proved) = 0;
    virtual void handed_over(service::Id service, std::uint32_t epoch, const HandOver& what) = 0;
    virtual void grown(service::Id service, std::uint32_t epoch) = 0;
    virtual void first_byte(service::Id service, std::uint32_t epoch) = 0;
};

class Follower final : Actions {
  public:
    // A guest's socket outlives the hand-over by the time that frames can be on their way to us.
    static constexpr std::chrono::seconds linger{1};
    // And longer where it has said nothing to a client yet: by this time, and this number of frames
    // that were not for one.
    static constexpr std::chrono::seconds listen{30};
    static constexpr unsigned listen_frames = 1000;

    // secret: SleepProxy's.
    Follower(const base::Clock& clock, Outside& outside, const ProofSecret& secret);

    // There is a new vmm. It tells everything anew, with taps of its own. Until it does all stays
    // as it is, and what is held goes on being held.
    void new_vmm() { told_anew_ = false; }
    // Before anything that a vmm has said is acted on.
    void vmm_speaks();

    void put(const Station& station) { proxy_.put(station); }
    void put(const Network& network) { proxy_.put(network); }
    void clear_networks() { proxy_.clear_networks(); }
    void remove(service::Id service);
    // A new socket to the guest is there.
    void attach(service::Id service) { proxy_.attach(service); }
    void set_state(service::Id service, GuestState state, std::uint32_t epoch);
    // Services of which a new vmm has said nothing are gone.
    void told_all() { proxy_.end_anew(); }

    void from_bridge(unsigned tap, std::span<const std::uint8_t> frame) {
        proxy_.from_bridge(tap, frame);
    }
    void from_guest(service::Id service, std::span<const std::uint8_t> frame);

    void under_pressure(bool is) { proxy_.under_pressure(is); }

    std::size_t held() const { return proxy_.held(); }
    const Unproved& unproved() const { return proxy_.unproved(); }

    // When tick() has to be called; any other call can change it.
    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Lingering {
        service::Id service;
        std::uint32_t epoch;
        base::TimePoint until;
        unsigned frames = listen_frames;
    };

    void to_bridge(unsigned tap, std::span<const std::uint8_t> frame) override;
    void to_guest(service::Id service, std::span<const std::uint8_t> frame) override;
    void wake(service::Id service, const frames::IpPacket& first, bool proved) override;
    void wake_in(service::Id service, const frames::IpPacket& first, bool proved) override {
        outside_.wake_in(service, first, proved);
    }
    void handed_over(service::Id service, const HandOver& what) override;
    void grown(service::Id service) override;
    void first_byte(service::Id service) override;

    void detach(service::Id service);
    void let_linger(service::Id service, std::uint32_t epoch);
    // Of the epoch that is.
    bool is_current(const Lingering& one) const {
        const auto it = epochs_.find(one.service);
        return it != epochs_.end() && it->second == one.epoch;
    }

    const base::Clock& clock_;
    Outside& outside_;
    SleepProxy proxy_;
    bool told_anew_ = false;
    std::map<service::Id, std::uint32_t> epochs_;
    // Of one epoch once; first what is due first.
    std::deque<Lingering> lingering_;
    std::deque<Lingering> listening_;
};

}  // namespace summond::wire
