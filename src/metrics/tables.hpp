// The parts of the table.
#pragma once

#include "summond/metrics/table.hpp"

namespace summond::metrics {

std::span<const Metric> dns_metrics();      // what fronts count
std::span<const Metric> service_metrics();  // what vmm counts, and how services stand
std::span<const Metric> daemon_metrics();
std::span<const Metric> transfer_metrics();  // what transfer counts, and serials

}  // namespace summond::metrics
