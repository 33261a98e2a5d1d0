// The packets that wait for one guest, in the order in which they came. Bounded in packets, octets
// and time, for the service, for one source of packets, and with all other services together.
#pragma once

#include <cstddef>
#include <deque>

#include "summond/base/clock.hpp"
#include "summond/frames/packet.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

// What all services together hold.
struct HeldTotal {
    std::size_t packets = 0;
    std::size_t octets = 0;
};

struct HeldPacket {
    frames::Frame frame;
    service::Mac from_mac{};
    frames::IpPacket about;
    base::TimePoint came;
    base::TimePoint last_seen;  // it, or its last retransmission
};

// Whether one TCP segment is the other one sent again, which tells the guest nothing new.
bool same_segment(const frames::IpPacket& a, const frames::IpPacket& b);

class Held {
  public:
    explicit Held(HeldTotal& total) : total_(total) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { clear(); }

    enum class Kept { kept, already, full };
    // A segment that is there already is not kept a second time: it is the sender's retransmission,
    // and the guest is to see one.
    Kept keep(std::span<const std::uint8_t> frame, const frames::Packet& packet,
              const frames::IpPacket& ip, base::TimePoint now);
    // Forgets what nobody waits for any more; how many.
    std::size_t expire(base::TimePoint now);
    // Takes the first out; not empty.
    HeldPacket take();
    void clear();

    bool empty() const { return packets_.empty(); }
    // Whether a packet of this source for the same address is there, whose fragment may follow.
    bool has_from(const frames::IpPacket& ip) const;
    const std::deque<HeldPacket>& packets() const { return packets_; }

  private:
    void forget(const HeldPacket& packet);

    HeldTotal& total_;
    std::deque<HeldPacket> packets_;
    std::size_t octets_ = 0;
};

}  // namespace summond::wire
