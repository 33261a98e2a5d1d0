// One wake of a service, from who asked for it to its guest or to why there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/wake.hpp"

namespace summond::vm {

// What the guest came from.
enum class WakeHow : std::uint8_t {
    build,    // a domain of its own
    restore,  // its file
    standby,  // a copy that waited
    unpause,  // it was paused
    resume,   // it was on its way to its file
    shell,    // a domain of its kernel and size that had been nobody's
    last = shell,
};

constexpr const char* to_string(WakeHow how) {
    switch (how) {
        case WakeHow::build:
            return "build";
        case WakeHow::restore:
            return "restore";
        case WakeHow::standby:
            return "standby";
        case WakeHow::unpause:
            return "unpause";
        case WakeHow::resume:
            return "resume";
        case WakeHow::shell:
            return "shell";
    }
    return "?";
}

// Told when the guest is ready or the wake has failed, and again when more is known of it: the
// packets that were held have been handed over, queries that waited have got their responses, the
// guest has said something.
struct WakeRecord {
    std::uint64_t number = 0;  // from 1, going on where the ledger has ended
    service::Id service = 0;
    std::string name;  // the service's
    service::WakeReason why = service::WakeReason::dns;
    std::optional<WakeHow> how{};  // none: it has not come that far
    service::WakeFailure failure = service::WakeFailure::none;
    std::string what;  // of a failure, for people
    base::TimePoint asked_at{};
    std::uint16_t query_type = 0;  // QTYPE of the query that asked for it; 0: it was none

    // How long after asked_at each was over; none: it was not, or this wake has no such phase.
    std::optional<base::Duration> admitted{};    // there is room for its domain
    std::optional<base::Duration> built{};       // built or restored, paused
    std::optional<base::Duration> unpaused{};    // its domain runs
    std::optional<base::Duration> answerable{};  // of a query: the answer may go out
    std::optional<base::Duration> ready{};
    std::optional<base::Duration> handed_over{};  // its guest has the packets that were held
    std::optional<base::Duration> first_byte{};   // that the guest has said to a client
    std::optional<base::Duration> failed{};
    std::uint32_t packets = 0;  // that were held and handed over
    std::uint32_t queries = 0;  // that waited for it and have got their responses
    // How long that one has waited that came first: a query for its response, or, where none has
    // waited, a packet for its guest. None: nobody has.
    std::optional<base::Duration> first_waited{};

    friend bool operator==(const WakeRecord&, const WakeRecord&) = default;
};

}  // namespace summond::vm
