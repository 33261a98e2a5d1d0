#include "summond/net/rate_limiter.hpp"

#include <algorithm>

#include "summond/dns/types.hpp"
#include "summond/dns/wire.hpp"

namespace summond::net {
namespace {

// IPv4 addresses are compared as IPv4-mapped ones (RFC 4291 §2.5.5.2).
Uint128 number_of(std::span<const std::uint8_t> address) {
    if (address.size() == 4)
        return Uint128{0xffff} << 32 | dns::get32(address.data());
    Uint128 number = 0;
    for (std::size_t i = 0; i < 16; i += 4)
        number = number << 32 | dns::get32(&address[i]);
    return number;
}

Uint128 last_of(const base::IpPrefix& prefix) {
    const unsigned length = prefix.length + (prefix.address.is_v4() ? 96 : 0);
    const Uint128 host = length == 128 ? 0 : ~Uint128{0} >> length;
    return number_of(prefix.address.bytes()) | host;
}

base::IpPrefix prefix_of(ClientNetwork network, NetworkLengths lengths) {
    std::array<std::uint8_t, 16> bytes{};
    dns::put32(&bytes[0], static_cast<std::uint32_t>(network.bits >> 32));
    dns::put32(&bytes[4], static_cast<std::uint32_t>(network.bits));
    if (network.v6)
        return {base::IpAddress::v6(bytes), lengths.v6};
    return {base::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}), lengths.v4};
}

}  // namespace

RateLimiter::Kind RateLimiter::kind_of(std::span<const std::uint8_t> answer) noexcept {
    const std::uint16_t flags = dns::get16(&answer[2]);
    const auto rcode = static_cast<dns::Rcode>(flags & 0xf);
    if (rcode != dns::Rcode::noerror)
        return rcode == dns::Rcode::nxdomain ? Kind::negative : Kind::error;
    if (dns::get16(&answer[6]) > 0)
        return Kind::positive;
    const bool authoritative = (flags & dns::flag_aa) != 0;
    return !authoritative && dns::get16(&answer[8]) > 0 ? Kind::referral : Kind::negative;
}

RateLimiter::RateLimiter(const config::RateLimit& settings, unsigned workers, const Seed& seed)
    : lengths_{settings.ipv4_prefix, settings.ipv6_prefix},
      slip_(settings.slip),
      interval_((base::Duration(std::chrono::seconds(workers)).count() +
                 settings.responses_per_second - 1) /
                settings.responses_per_second),
      burst_(interval_ * std::max(1U, settings.responses_per_second / workers)),
      seed_(seed),
      buckets_(bucket_count) {
    for (const base::IpPrefix& prefix : settings.exempt)
        exempt_.push_back({number_of(prefix.address.bytes()), last_of(prefix)});
    // Networks are disjoint, or one is in the other.
    std::ranges::sort(exempt_, [](const Range& a, const Range& b) {
        return a.first < b.first || (a.first == b.first && a.last > b.last);
    });
    const auto inside = [](const Range& outer, const Range& inner) {
        return inner.last <= outer.last;
    };
    exempt_.erase(std::unique(exempt_.begin(), exempt_.end(), inside), exempt_.end());
}

bool RateLimiter::is_exempt(std::span<const std::uint8_t> client) const noexcept {
    const Uint128 address = number_of(client);
    const auto after = std::ranges::upper_bound(exempt_, address, {}, &Range::first);
    return after != exempt_.begin() && address <= std::prev(after)->last;
}

// Strongly universal hashing (Dietzfelbinger 1996): a * x + b modulo 2^128, upper half, with random
// a and b. Whatever two accounts a stranger chooses, they share bucket and tag with a probability
// of 2^-45, and no other account can be told from what happens to one's own.
RateLimiter::Account& RateLimiter::account(ClientNetwork network, Kind kind) noexcept {
    const std::size_t b = 2 + 2 * (2 * static_cast<std::size_t>(kind) + (network.v6 ? 1 : 0));
    const Uint128 hash = (Uint128{seed_[0]} << 64 | seed_[1]) * network.bits +
                         (Uint128{seed_[b]} << 64 | seed_[b + 1]);
    const auto upper = static_cast<std::uint64_t>(hash >> 64);
    const auto tag = static_cast<std::uint32_t>(upper);
    auto& accounts = buckets_[(upper >> 32) % bucket_count].accounts;
    Account* least = &accounts[0];
    for (Account& candidate : accounts) {
        if (candidate.tag == tag)
            return candidate;
        if (candidate.full_at < least->full_at)
            least = &candidate;
    }
    *least = {{}, tag, 0};
    return *least;
}

RateLimiter::Verdict RateLimiter::check(std::span<const std::uint8_t> client, Kind kind,
                                        base::TimePoint now) noexcept {
    if (is_exempt(client))
        return Verdict::send;
    const ClientNetwork network = network_of(client, lengths_);
    Account& account = this->account(network, kind);
    if (account.full_at <= now) {
        account.full_at = now;
        account.limited = 0;
    }
    if (account.full_at + interval_ - now <= burst_) {
        account.full_at += interval_;
        return Verdict::send;
    }
    if (account.limited == 0)
        note(network, kind);
    // The first is a challenge: a client that did not forge its address is not made to wait.
    const bool slip = slip_ > 0 && account.limited % slip_ == 0;
    ++account.limited;
    std::atomic<std::uint64_t>& total = slip ? challenged_ : dropped_;
    total.store(total.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return slip ? Verdict::challenge : Verdict::drop;
}

RateLimiter::Totals RateLimiter::totals() const noexcept {
    return {challenged_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

void RateLimiter::note(ClientNetwork network, Kind kind) noexcept {
    const std::uint32_t head = noted_head_.load(std::memory_order_relaxed);
    if (head - noted_tail_.load(std::memory_order_acquire) == noted_.size())
        return;
    noted_[head % noted_.size()] = {network, kind};
    noted_head_.store(head + 1, std::memory_order_release);
}

std::optional<RateLimiter::Limited> RateLimiter::next_limited() noexcept {
    const std::uint32_t tail = noted_tail_.load(std::memory_order_relaxed);
    if (tail == noted_head_.load(std::memory_order_acquire))
        return std::nullopt;
    const Noted noted = noted_[tail % noted_.size()];
    noted_tail_.store(tail + 1, std::memory_order_release);
    return Limited{prefix_of(noted.network, lengths_), noted.kind};
}

}  // namespace summond::net
