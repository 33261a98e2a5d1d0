// The SYNs that a guest has been given and that have not become connections yet. A server that has
// just started can refuse them (its port is not open yet, or its backlog is full): that reset is
// kept from the client, which would give up by it, and the SYN is given again. So is one without
// any answer, at the pace of RFC 6298: its client's own next one may be half a minute away. One at
// a time is given, as the guest answers, so that a server with no backlog can serve all. Bounded.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "held.hpp"
#include "summond/base/clock.hpp"
#include "summond/frames/packet.hpp"

namespace summond::wire {

class Given {
  public:
    // Of an opening segment that the guest is given now. One that is too large to be kept, or one
    // too many, is not remembered.
    void add(const HeldPacket& syn, base::TimePoint now);
    // Whether this is one of them, again.
    bool has(const frames::IpPacket& syn) const;
    // What the guest says. True: it refuses one of them, which will be given again.
    bool refuses(const frames::IpPacket& segment, base::TimePoint now);
    // When the next may be given: the guest has not answered the last one yet. None: now.
    std::optional<base::TimePoint> pause() const;
    // Those that have been refused, or not answered, and are to be given again now.
    std::vector<HeldPacket> due(base::TimePoint now);
    // Forgets all; those that have been refused.
    std::vector<HeldPacket> give_up();
    // Forgets those that the guest has taken. What it has not answered at all it may not have seen
    // yet: nobody knows how long a guest does not run on a busy machine.
    void expire(base::TimePoint now);
    std::optional<base::TimePoint> deadline() const;
    bool empty() const { return entries_.empty(); }
    void clear() { entries_.clear(); }

  private:
    enum class State { given, accepted, refused };
    struct Entry {
        HeldPacket packet;
        State state = State::given;
        base::TimePoint since;
        unsigned unanswered = 0;  // times that it was given again without an answer

        // When something is to be done about it, unless the guest says something before.
        base::TimePoint due() const;
    };
    std::vector<Entry> entries_;  // in the order in which they were given
};

}  // namespace summond::wire
