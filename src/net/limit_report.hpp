// What the log says of response rate limiting: that it has begun, how much of it there is, that it
// is over. One line in thirty seconds, whatever happens.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/net/rate_limiter.hpp"

namespace summond::net {

class LimitReport {
  public:
    static constexpr auto period = std::chrono::seconds(30);
    static constexpr std::size_t max_networks = 4;  // in a line

    explicit LimitReport(const base::Clock& clock) : clock_(clock) {}

    // To be called about once a second, always with the same limiters: the line to write, if any.
    std::optional<std::string> look(std::span<RateLimiter* const> limiters);
    // Whether the last line said that answers are being limited.
    bool limiting() const { return limiting_; }

  private:
    void take_networks(RateLimiter& limiter);

    const base::Clock& clock_;
    bool limiting_ = false;
    std::optional<base::TimePoint> last_line_;
    RateLimiter::Totals reported_;
    std::vector<RateLimiter::Limited> networks_;  // that have not been in a line yet
    bool more_networks_ = false;
};

}  // namespace summond::net
