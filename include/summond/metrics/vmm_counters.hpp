// What vmm counts, in memory of the same kind as a front's (front_counters.hpp): the next vmm goes
// on where one that has ended stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "summond/metrics/counter.hpp"
#include "summond/service/identity.hpp"
#include "summond/service/wake.hpp"

namespace summond::metrics {

inline constexpr std::size_t wake_reasons = static_cast<std::size_t>(service::WakeReason::last) + 1;
inline constexpr std::size_t wake_failures =
    static_cast<std::size_t>(service::WakeFailure::last) + 1;

// Where a wake's guest came from (vm::WakeHow).
inline constexpr std::string_view wake_hows[] = {"build",   "restore", "standby",
                                                 "unpause", "resume",  "shell"};
// What a wake comes to, in this order, counted from who asked for it.
enum class WakePhase : std::uint8_t {
    admitted,
    built,
    unpaused,
    answerable,
    ready,
    handed_over,
    first_byte,
};
inline constexpr std::string_view wake_phases[] = {"admitted", "built",       "unpaused",  "answer",
                                                   "ready",    "handed_over", "first_byte"};

enum class StateFile : std::uint8_t { none, unusable, usable };

// Of one service, from its first wake on.
struct ServiceCounters {
    Gauge service;  // service::Id
    Counter done[wake_reasons];
    Counter failed[wake_reasons];
};

// Beyond it, wakes are counted for all services together only.
inline constexpr std::size_t max_counted_services = 65536;

struct alignas(4096) VmmCounters {
    Durations wake[std::size(wake_hows)][std::size(wake_phases)];
    Counter failures[wake_failures];
    Counter packets_handed_over;
    // Of the file that outlives the daemon; written by the thread that writes it.
    struct {
        Gauge state;          // StateFile
        Gauge written_at_ms;  // the last write that went well, since 1970; 0: there was none
        Counter writes;
        Counter failures;
        Counter lost_wakes;
    } file;
    Gauge services;  // how many of the following are in use
    ServiceCounters service[max_counted_services];
};

// The writer's.
class VmmCount {
  public:
    // counters: null: nothing is counted. What an earlier vmm has counted is found there.
    explicit VmmCount(VmmCounters* counters);

    void done(service::Id service, service::WakeReason why);
    void failed(service::Id service, service::WakeReason why, service::WakeFailure failure);
    // how: index in wake_hows.
    void phase(std::size_t how, WakePhase phase, std::chrono::nanoseconds after);
    void handed_over(std::uint32_t packets);

  private:
    ServiceCounters* of(service::Id service);

    VmmCounters* counters_;
    std::unordered_map<service::Id, std::size_t> index_;
};

}  // namespace summond::metrics
