#include "limit_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace summond::net {
namespace {

std::string_view to_string(RateLimiter::Kind kind) {
    switch (kind) {
        case RateLimiter::Kind::positive:
            return "positive";
        case RateLimiter::Kind::negative:
            return "negative";
        case RateLimiter::Kind::referral:
            return "referrals";
        case RateLimiter::Kind::error:
            break;
    }
    return "errors";
}

}  // namespace

std::optional<std::string> LimitReport::look(std::span<RateLimiter* const> limiters) {
    RateLimiter::Totals totals;
    for (RateLimiter* limiter : limiters) {
        const RateLimiter::Totals part = limiter->totals();
        totals.challenged += part.challenged;
        totals.dropped += part.dropped;
        take_networks(*limiter);
    }
    const std::uint64_t challenged = totals.challenged - reported_.challenged;
    const std::uint64_t dropped = totals.dropped - reported_.dropped;
    const bool limiting = challenged + dropped > 0;
    const base::TimePoint now = clock_.now();
    if ((!limiting && !limiting_) || (last_line_ && now - *last_line_ < period))
        return std::nullopt;
    limiting_ = limiting;
    last_line_ = now;
    reported_ = totals;
    if (!limiting)
        return "rate limit: over";
    std::string networks;
    for (const auto& [network, kind] : std::exchange(networks_, {}))
        networks += fmt::format("{} {} ({})", networks.empty() ? ", to" : ",", network.to_string(),
                                to_string(kind));
    if (std::exchange(more_networks_, false))
        networks += " and others";
    return fmt::format("rate limit: {} answers truncated, {} dropped{}", challenged, dropped,
                       networks);
}

void LimitReport::take_networks(RateLimiter& limiter) {
    while (const auto limited = limiter.next_limited()) {
        if (std::ranges::find(networks_, *limited) != networks_.end())
            continue;
        if (networks_.size() < max_networks)
            networks_.push_back(*limited);
        else
            more_networks_ = true;
    }
}

}  // namespace summond::net
