// Who has shown of late that its address is not forged. A SYN is answered by one that acknowledges
// a number which the client has not sent. RFC 9293 §3.10.7.3 has it reset that, with that number,
// and go on: its connection is as it was. The number is a keyed hash of the addresses, the ports
// and the time, so nothing is kept of who has been asked. docs/design/proof.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/frames/packet.hpp"
#include "summond/wire/sleep_proxy.hpp"

namespace summond::wire {

class Proofs {
  public:
    // For how long who has shown its address is believed to have it.
    static constexpr std::chrono::seconds believed{60};
    // A question may be answered for one to two of these.
    static constexpr std::chrono::seconds period{16};

    // secret: random. clock outlives it.
    Proofs(const base::Clock& clock, const ProofSecret& secret);

    // What an answer to a SYN acknowledges, so that it is reset. None: that is what the client
    // would take for the right one (2^-32); it sends its SYN again.
    std::optional<std::uint32_t> question(const frames::IpPacket& syn) const;
    // Whether a reset answers that. Its sender is believed from now on.
    bool take(const frames::IpPacket& reset);
    bool has(const base::IpAddress& address) const;

  private:
    struct Believed {
        base::IpAddress address;
        base::TimePoint until{};
    };
    static constexpr std::size_t places = 1024;

    std::uint64_t period_now() const;
    std::uint32_t number(const frames::IpPacket& packet, std::uint64_t period) const;
    std::size_t place_of(const base::IpAddress& address) const;

    const base::Clock& clock_;
    const ProofSecret secret_;
    // Each address has one place; who comes later takes it from another, who shows its own again.
    std::vector<Believed> believed_{places};
};

}  // namespace summond::wire
