// What the two load generators share: the prepared queries, the check of every answer, latencies
// and the result, which is one line of JSON.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace summond::bench {

using Nanoseconds = std::uint64_t;

// CLOCK_MONOTONIC.
Nanoseconds now() noexcept;

constexpr std::size_t max_query_size = 128;
// In flight on one socket or connection: their number is the first octet of a message's ID, the
// second one counts how often it has been used.
constexpr std::size_t max_window = 256;

struct Query {
    std::span<const std::uint8_t> wire;
    std::size_t question_end;  // offset
    std::uint8_t rcode;        // of the right answer
    std::uint8_t answers;      // its number of records in the answer section
};

// A file of records {u16 size (little endian), u8 rcode, u8 answers, octets[size]}, asked in this
// order, over and over. Throws std::runtime_error.
class Queries {
  public:
    explicit Queries(const std::string& path);

    const Query& next() noexcept {
        const Query& query = queries_[next_];
        if (++next_ == queries_.size())
            next_ = 0;
        return query;
    }

  private:
    void add(std::span<const std::uint8_t> record);

    std::vector<std::uint8_t> bytes_;
    std::vector<Query> queries_;
    std::size_t next_ = 0;
};

// One query that has been sent. The questions asked are kept by Queries.
struct InFlight {
    Nanoseconds since = 0;
    const Query* query = nullptr;  // null: nothing in flight
    std::uint8_t generation = 0;
};

// Those of one socket or connection, at most `window`.
class Window {
  public:
    explicit Window(std::size_t window);

    bool idle() const noexcept { return free_.size() == window_; }
    std::size_t room() const noexcept { return free_.size(); }
    std::size_t in_flight() const noexcept { return window_ - free_.size(); }
    // The caller has looked at room(). Writes the ID into the first two octets.
    void send(const Query& query, Nanoseconds when, std::uint8_t* message) noexcept;
    // What the message answers, which then is in flight no more; nullptr if nothing.
    const Query* answered(std::span<const std::uint8_t> message, Nanoseconds& since) noexcept;
    // Gives up what has been sent before a time; how many that were.
    std::size_t give_up(Nanoseconds before) noexcept;

  private:
    std::size_t window_;
    std::vector<std::uint8_t> free_;
    std::array<InFlight, max_window> slots_;
};

// QR and AA set, opcode 0, TC clear, and rcode, count and question are the right ones.
bool right(std::span<const std::uint8_t> answer, const Query& query) noexcept;

// Latencies in 32 steps an octave: percentiles are good to 1.6 %.
class Histogram {
  public:
    void add(Nanoseconds latency) noexcept;
    // Microseconds; 0 < part <= 1.
    double percentile(double part) const noexcept;

  private:
    static constexpr unsigned step_bits = 6;  // of a latency that are kept, the first is 1
    std::array<std::uint64_t, (64 - step_bits + 1) << step_bits> counts_{};
    std::uint64_t total_ = 0;
};

struct Result {
    std::uint64_t sent = 0;
    std::uint64_t left_out = 0;  // due, but there was no room for them
    std::uint64_t answers = 0;
    std::uint64_t lost = 0;        // no answer in time, or the connection ended before it
    std::uint64_t wrong = 0;       // of the answers
    std::uint64_t stray = 0;       // messages that answer nothing
    std::uint64_t reconnects = 0;  // TCP
    Nanoseconds latency = 0;       // sum
    Nanoseconds begin = 0;
    Nanoseconds last_answer = 0;
    Histogram latencies;
    bool of_records_only = false;  // latencies: of queries whose answers have records

    // A message that has been received at `time`; true if it answers something. complete: it has
    // what the caller wants besides.
    bool take(std::span<const std::uint8_t> message, Window& window, Nanoseconds time,
              bool complete = true) noexcept;
    // To standard output.
    void print() const;
};

// The rest of a main: runs the generator, whose window is shared by `count` sockets or connections
// (`each`). The exit status.
template <typename Generator, typename Options>
int run(const Options& options, std::size_t count, const char* each) {
    const std::size_t window = options.window / count;
    if (window < 1 || window > max_window) {
        std::fprintf(stderr, "1 to %zu queries in flight on each %s\n", max_window, each);
        return 2;
    }
    try {
        std::make_unique<Generator>(options)->run();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}

// True after SIGTERM or SIGINT, if stop_on_signal() has been called.
bool stopped() noexcept;
void stop_on_signal();

}  // namespace summond::bench
