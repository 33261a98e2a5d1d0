#include "load.hpp"

#include <bit>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace summond::bench {
namespace {

constexpr std::size_t header_size = 12;
volatile std::sig_atomic_t stop_wanted = 0;

// Offset behind the only question; 0 if there is none.
std::size_t end_of_question(std::span<const std::uint8_t> message) {
    std::size_t at = header_size;
    while (at < message.size() && message[at] != 0)
        at += message[at] + std::size_t{1};
    at += 5;
    return at <= message.size() ? at : 0;
}

}  // namespace

Nanoseconds now() noexcept {
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<Nanoseconds>(time.tv_sec) * 1'000'000'000 +
           static_cast<Nanoseconds>(time.tv_nsec);
}

// -- Queries

Queries::Queries(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    for (std::span<const std::uint8_t> rest(bytes_); !rest.empty();) {
        const std::size_t size = rest.size() < 4 ? 0 : rest[0] + std::size_t{256} * rest[1];
        if (size <= header_size || size > max_query_size || rest.size() < 4 + size)
            throw std::runtime_error(path + " is no file of queries");
        add(rest.first(4 + size));
        rest = rest.subspan(4 + size);
    }
    if (queries_.empty())
        throw std::runtime_error(path + " has no queries");
}

void Queries::add(std::span<const std::uint8_t> record) {
    const auto wire = record.subspan(4);
    const std::size_t end = end_of_question(wire);
    if (end == 0)
        throw std::runtime_error("a query without a question");
    queries_.push_back({wire, end, record[2], record[3]});
}

// -- Window

Window::Window(std::size_t window) : window_(window) {
    for (std::size_t i = 0; i < window; ++i)
        free_.push_back(static_cast<std::uint8_t>(i));
}

void Window::send(const Query& query, Nanoseconds when, std::uint8_t* message) noexcept {
    const std::uint8_t number = free_.back();
    free_.pop_back();
    InFlight& slot = slots_[number];
    slot.query = &query;
    slot.since = when;
    message[0] = number;
    message[1] = slot.generation;
}

const Query* Window::answered(std::span<const std::uint8_t> message, Nanoseconds& since) noexcept {
    if (message.size() < header_size)
        return nullptr;
    InFlight& slot = slots_[message[0]];
    if (slot.query == nullptr || slot.generation != message[1])
        return nullptr;
    since = slot.since;
    ++slot.generation;
    free_.push_back(message[0]);
    return std::exchange(slot.query, nullptr);
}

std::size_t Window::give_up(Nanoseconds before) noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < window_; ++i) {
        if (slots_[i].query == nullptr || slots_[i].since >= before)
            continue;
        slots_[i].query = nullptr;
        ++slots_[i].generation;
        free_.push_back(static_cast<std::uint8_t>(i));
        ++count;
    }
    return count;
}

// -- Answers

bool right(std::span<const std::uint8_t> answer, const Query& query) noexcept {
    constexpr std::uint8_t qr = 0x80;
    constexpr std::uint8_t aa = 0x04;
    constexpr std::uint8_t opcode_and_tc = 0x7a;
    const bool header = (answer[2] & (qr | aa | opcode_and_tc)) == (qr | aa) &&
                        (answer[3] & 15) == query.rcode && answer[4] == 0 && answer[5] == 1 &&
                        answer[6] == 0 && answer[7] == query.answers;
    return header && answer.size() >= query.question_end &&
           std::memcmp(answer.data() + header_size, query.wire.data() + header_size,
                       query.question_end - header_size) == 0;
}

// Bucket = how far the latency is shifted, and the step_bits that are left of it.
void Histogram::add(Nanoseconds latency) noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(latency));
    const unsigned octave = width > step_bits ? width - step_bits : 0;
    ++counts_[(std::size_t{octave} << step_bits) + ((latency >> octave) & ((1U << step_bits) - 1))];
    ++total_;
}

double Histogram::percentile(double part) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= wanted && seen > 0) {
            const unsigned octave = static_cast<unsigned>(i >> step_bits);
            const double step = static_cast<double>(i & ((1U << step_bits) - 1)) + 0.5;
            return std::ldexp(step, static_cast<int>(octave)) / 1e3;
        }
    }
    return 0;
}

bool Result::take(std::span<const std::uint8_t> message, Window& window, Nanoseconds time,
                  bool complete) noexcept {
    Nanoseconds since = 0;
    const Query* const query = window.answered(message, since);
    if (query == nullptr) {
        ++stray;
        return false;
    }
    ++answers;
    latency += time - since;
    if (!of_records_only || query->answers > 0)
        latencies.add(time - since);
    last_answer = time;
    if (!complete || !right(message, *query))
        ++wrong;
    return true;
}

void Result::print() const {
    const double seconds =
        last_answer > begin ? static_cast<double>(last_answer - begin) / 1e9 : 0.0;
    const auto count = static_cast<double>(answers);
    std::printf(
        "{\"sent\": %ju, \"left_out\": %ju, \"answers\": %ju, \"lost\": %ju, \"wrong\": %ju, "
        "\"stray\": %ju, "
        "\"reconnects\": %ju, \"seconds\": %.6f, \"qps\": %.1f, \"latency_us\": %.2f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
        std::uintmax_t{sent}, std::uintmax_t{left_out}, std::uintmax_t{answers},
        std::uintmax_t{lost}, std::uintmax_t{wrong}, std::uintmax_t{stray},
        std::uintmax_t{reconnects}, seconds, seconds > 0 ? count / seconds : 0.0,
        answers > 0 ? static_cast<double>(latency) / count / 1e3 : 0.0, latencies.percentile(0.5),
        latencies.percentile(0.99), latencies.percentile(0.999), latencies.percentile(1));
}

// -- Signals

bool stopped() noexcept {
    return stop_wanted != 0;
}

void stop_on_signal() {
    for (const int signal : {SIGTERM, SIGINT})
        std::signal(signal, [](int) { stop_wanted = 1; });
}

}  // namespace summond::bench
