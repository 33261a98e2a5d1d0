// Numbers that one thread writes and anybody reads, in memory that processes share. What is read of
// another process's is data only: any value may stand there.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace summond::metrics {

// Only goes up (modulo 2^64). One writer, so that neither a lock nor a locked instruction is
// needed.
class Counter {
  public:
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_;
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

// How much of something there is now.
class Gauge {
  public:
    void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_;
};

// How long something took. A wake takes from 1 ms (a booted standby copy) to many seconds (a large
// kernel, a ready timeout): three bounds a decade, which is what tells apart what a person would.
inline constexpr std::array<std::chrono::microseconds::rep, 16> duration_bounds_us{
    1'000,   2'500,     5'000,     10'000,    25'000,     50'000,     100'000,    250'000,
    500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 25'000'000, 50'000'000, 100'000'000};

class Durations {
  public:
    static constexpr std::size_t buckets = duration_bounds_us.size() + 1;

    void add(std::chrono::nanoseconds time) noexcept {
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
        std::size_t bucket = 0;
        while (bucket < duration_bounds_us.size() && us > duration_bounds_us[bucket])
            ++bucket;
        buckets_[bucket].add();
        sum_us_.add(us > 0 ? static_cast<std::uint64_t>(us) : 0);
    }
    // Of those no longer than the bucket's bound and longer than that of the one before.
    std::uint64_t bucket(std::size_t i) const noexcept { return buckets_[i].get(); }
    std::uint64_t sum_us() const noexcept { return sum_us_.get(); }

  private:
    Counter buckets_[buckets];
    Counter sum_us_;
};

}  // namespace summond::metrics
