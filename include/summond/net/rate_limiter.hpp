// Response rate limiting: how many answers of a kind a network of clients may get over UDP. Source
// addresses are easily forged there, and answers are larger than queries; so whoever forges a
// victim's address has us flood the victim with no more than this.
//
// One limiter a UDP worker, on the worker's thread; only totals and next_limited are for another
// one. All memory is allocated at the start. check() neither allocates, locks, logs nor makes
// system calls.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/base/ip_address.hpp"
#include "summond/config/config.hpp"
#include "summond/net/client_network.hpp"

namespace summond::net {

__extension__ using Uint128 = unsigned __int128;

class RateLimiter {
  public:
    // Each network has an account for each kind, so that those who ask for names that do not exist
    // do not use up what others of the network need. Not one for each name: whoever knows many
    // names, or a wildcard, would have many accounts.
    enum class Kind : std::uint8_t { positive, negative, referral, error };
    static constexpr std::size_t kinds = 4;
    // answer: a whole message of ours.
    static Kind kind_of(std::span<const std::uint8_t> answer) noexcept;

    enum class Verdict : std::uint8_t { send, challenge, drop };

    // Random and secret: who knows it can find networks that share an account.
    using Seed = std::array<std::uint64_t, 2 + 2 * (2 * kinds)>;

    // workers: how many there are, at least 1. A client's queries may come to one of them or to all
    // (the kernel spreads them by port), so each has its part of the rate, and the sum is never
    // exceeded. Every network may have one second's responses at once.
    RateLimiter(const config::RateLimit& settings, unsigned workers, const Seed& seed);

    // What is to be done with an answer to this client (4 or 16 octets) that is about to be sent.
    Verdict check(std::span<const std::uint8_t> client, Kind kind, base::TimePoint now) noexcept;

    struct Totals {
        std::uint64_t challenged = 0;
        std::uint64_t dropped = 0;
    };
    // Since the start; any thread.
    Totals totals() const noexcept;

    struct Limited {
        base::IpPrefix network;
        Kind kind;
        friend bool operator==(const Limited&, const Limited&) = default;
    };
    // One after the other, accounts that were overdrawn after a time in which they were not. A few
    // are kept until they are asked for; further ones are forgotten. One other thread.
    std::optional<Limited> next_limited() noexcept;

  private:
    // A balance, in terms of time (the "generic cell rate algorithm"): each response moves full_at
    // on by one interval; further than one second ahead of now it must not be.
    struct Account {
        base::TimePoint full_at{};
        std::uint32_t tag = 0;
        std::uint32_t limited = 0;  // responses not sent since it was full last
    };
    // A cache line. Of more accounts than it has room for, those that owe most stay; forgetting one
    // that owes little changes little. So a flood from many networks cannot have others forgotten
    // that are being limited.
    struct alignas(64) Bucket {
        std::array<Account, 4> accounts;
    };
    static constexpr std::size_t bucket_count = 8192;  // 512 KiB

    struct Range {
        Uint128 first;
        Uint128 last;
    };

    bool is_exempt(std::span<const std::uint8_t> client) const noexcept;
    Account& account(ClientNetwork network, Kind kind) noexcept;
    void note(ClientNetwork network, Kind kind) noexcept;

    const NetworkLengths lengths_;
    const std::uint32_t slip_;
    const base::Duration interval_;  // between responses, at this worker's part of the rate
    const base::Duration burst_;
    std::vector<Range> exempt_;  // disjoint, in order
    const Seed seed_;
    std::vector<Bucket> buckets_;

    // A ring; the other thread takes from the tail.
    struct Noted {
        ClientNetwork network;
        Kind kind;
    };
    std::array<Noted, 16> noted_{};
    std::atomic<std::uint32_t> noted_head_{0};
    std::atomic<std::uint32_t> noted_tail_{0};
    std::atomic<std::uint64_t> challenged_{0};
    std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace summond::net
