#include "summond/metrics/table.hpp"

#include <vector>

#include "samples.hpp"
#include "tables.hpp"

namespace summond::metrics {

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::counter:
            return "counter";
        case Kind::gauge:
            return "gauge";
        case Kind::histogram:
            return "histogram";
    }
    return "untyped";
}

std::span<const Metric> table() {
    static const std::vector<Metric> all = [] {
        std::vector<Metric> metrics;
        for (const auto part :
             {dns_metrics(), service_metrics(), transfer_metrics(), daemon_metrics()})
            metrics.insert(metrics.end(), part.begin(), part.end());
        return metrics;
    }();
    return all;
}

std::string exposition(const Snapshot& snapshot) {
    std::string text;
    Samples samples(text);
    for (const Metric& metric : table()) {
        samples.begin(metric);
        metric.write(snapshot, samples);
    }
    return text;
}

}  // namespace summond::metrics
