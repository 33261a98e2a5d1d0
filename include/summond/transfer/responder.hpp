// What is said to one message: transfers (RFC 5936, RFC 1995), and queries that are signed (RFC
// 8945). No I/O, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "summond/answer/answer.hpp"
#include "summond/metrics/transfer_counters.hpp"
#include "summond/transfer/plan.hpp"
#include "summond/zone/journal.hpp"
#include "summond/zone/records.hpp"

namespace summond::transfer {

// The zones in force, and who may have them. Transfers that are under way keep theirs.
struct Serving {
    Serving(std::shared_ptr<const void> memory, const zone::Zones& zones, Plan plan,
            zone::Journal journal);

    const std::shared_ptr<const void> memory;  // of zones and journal
    const zone::ZoneNodes nodes;
    const Plan plan;
    const zone::Journal journal;
    // Nobody here knows how services stand: their addresses are given out, and the packets wake.
    mutable std::vector<answer::ServiceState> services;
};
using ServingPtr = std::shared_ptr<const Serving>;

struct Counted {
    std::uint64_t records = 0;
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
};

class Outgoing;

struct Reply {
    Reply();
    Reply(Reply&&) noexcept;
    Reply& operator=(Reply&&) noexcept;
    ~Reply();

    std::vector<std::uint8_t> message;   // empty: nothing is said, or `transfer` says it
    std::unique_ptr<Outgoing> transfer;  // over TCP
    std::string log;                     // what somebody wants to know of it; empty: nothing
    // By the rules, or its signature is wrong.
    metrics::TransferRefusal refusal{};
    std::optional<metrics::TransferKind> kind;  // of what wants a zone, and is given something

    bool refused() const { return refusal != metrics::TransferRefusal::none; }
};

// now: Unix time.
Reply respond(const ServingPtr& serving, std::span<const std::uint8_t> query,
              const base::IpAddress& client, answer::Transport transport, std::uint64_t now);

// Whether respond is to answer it, and not who answers everybody.
bool is_ours(std::span<const std::uint8_t> query);

}  // namespace summond::transfer
