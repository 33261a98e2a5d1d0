#include <fmt/format.h>

#include "summond/metrics/table.hpp"

namespace summond::metrics {

std::string documentation() {
    std::string text = "| metric | type | labels | what it says |\n|---|---|---|---|\n";
    for (const Metric& metric : table()) {
        std::string labels;
        for (const char c : metric.labels)
            labels += c == ',' ? std::string(", ") : std::string(1, c);
        text += fmt::format("| `{}` | {} | {} | {} |\n", metric.name, to_string(metric.kind),
                            labels, metric.help);
    }
    return text;
}

}  // namespace summond::metrics
