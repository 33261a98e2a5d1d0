// Every metric, once: from this table come the text that Prometheus reads, docs/METRICS.md, and
// what the alerts and the board in packaging may ask for. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "summond/metrics/snapshot.hpp"

namespace summond::metrics {

class Samples;

enum class Kind : std::uint8_t { counter, gauge, histogram };
std::string_view to_string(Kind kind);

struct Metric {
    std::string_view name;  // ends with the unit, and `_total` of a counter
    Kind kind;
    std::string_view help;    // one line; of docs/METRICS.md, too
    std::string_view labels;  // with commas between; empty: none
    void (*write)(const Snapshot&, Samples&);
};

std::span<const Metric> table();

// The text format of Prometheus, version 0.0.4.
inline constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";
std::string exposition(const Snapshot& snapshot);

// docs/METRICS.md.
std::string documentation();

}  // namespace summond::metrics
