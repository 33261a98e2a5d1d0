// Tells secondaries that a zone has changed (RFC 1996), until they have heard it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/transfer/responder.hpp"

namespace summond::transfer {

class Notifier {
  public:
    // Sends a datagram; source: of which address it is to come, if that is known.
    using Send =
        std::function<void(const base::Endpoint& to, const std::optional<base::IpAddress>& source,
                           std::span<const std::uint8_t> message)>;
    Notifier(const base::Clock& clock, metrics::TransferCount& count, Send send)
        : clock_(clock), count_(count), send_(std::move(send)) {}

    // Secondaries of zones whose serial is another one than before are told, at the start all.
    void serve(const ServingPtr& serving);
    // What a secondary may have answered. now: Unix time.
    void receive(std::span<const std::uint8_t> message, const base::Endpoint& from,
                 std::uint64_t now);
    // Sends what is due, a few at a time. now: Unix time.
    void tick(std::uint64_t now);
    // When tick is to be called next; none: nobody is to be told anything.
    std::optional<base::TimePoint> next() const;

    // Counts who waits, if that has changed. It goes through all of them: about once a second.
    void count_waiting();

    std::size_t pending() const { return pending_.size(); }

    // Doubled from try to try: 2 s, 4 s, ... 1024 s, half an hour in all.
    static constexpr auto first_wait = std::chrono::seconds(2);
    static constexpr unsigned tries = 10;
    // In one tick, and until the next one.
    static constexpr std::size_t batch = 32;
    static constexpr auto pause = std::chrono::milliseconds(50);

  private:
    struct Pending {
        dns::Name zone;
        config::Transfer::Notify target;
        base::TimePoint at;
        unsigned tried = 0;
        std::uint16_t id = 0;
        std::vector<std::uint8_t> mac;  // of what was sent last
    };
    void send(Pending& pending, std::uint64_t now);
    bool is_answer(const Pending& pending, std::span<const std::uint8_t> message,
                   std::uint64_t now) const;

    const base::Clock& clock_;
    metrics::TransferCount& count_;
    const Send send_;
    ServingPtr serving_;
    std::map<dns::Name, std::uint32_t> told_;  // serials
    std::vector<Pending> pending_;
    base::TimePoint not_before_{};
    bool changed_ = false;  // since it was counted
};

}  // namespace summond::transfer
