// What UDP workers and TCP sessions count alike.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "parked.hpp"
#include "summond/answer/answer.hpp"
#include "summond/metrics/front_counters.hpp"

namespace summond::net {

static_assert(std::size(metrics::cookies) == std::size_t(answer::ClientCookie::last) + 1);

inline std::size_t label_of(const dns::Query& query) noexcept {
    return query.question.empty() ? metrics::no_type : metrics::label_of(query.type);
}

// 0: there is none.
inline std::uint16_t type_of(const dns::Query& query) noexcept {
    return query.question.empty() ? 0 : static_cast<std::uint16_t>(query.type);
}

inline bool is_truncated(std::span<const std::uint8_t> answer) noexcept {
    return (answer[2] & dns::flag_tc >> 8) != 0;
}

// What a query has, whatever becomes of it.
inline void count_features(metrics::DnsCounters& counters, const dns::Query& query,
                           const answer::Decision& decision) noexcept {
    if (!query.edns.present)
        return;
    counters.edns.add();
    if (query.edns.dnssec_ok)
        counters.dnssec_ok.add();
    if (decision.cookie != answer::ClientCookie::none)
        counters.cookies[static_cast<std::size_t>(decision.cookie)].add();
}

// What is about to be sent.
inline void count_response(metrics::DnsCounters& counters, const answer::Decision& decision,
                           std::span<const std::uint8_t> answer) noexcept {
    counters.sent_bytes.add(answer.size());
    if (decision.stated != 0)
        counters.signatures_used.add(decision.stated);
    const bool truncated = is_truncated(answer);
    if (truncated)
        counters.truncated.add();
    using metrics::Challenge;
    if (decision.unproved)
        counters
            .unproved[static_cast<std::size_t>(truncated ? Challenge::tc : Challenge::badcookie)]
            .add();
}

// The same, to a query that has been parked until this deadline at most.
inline void count_late_response(metrics::DnsCounters& counters, const answer::Decision& decision,
                                base::TimePoint deadline, base::TimePoint now,
                                std::span<const std::uint8_t> answer) noexcept {
    counters.late[decision.rcode].add();
    counters.waited.add(now - (deadline - park_time));
    count_response(counters, decision, answer);
}

}  // namespace summond::net
