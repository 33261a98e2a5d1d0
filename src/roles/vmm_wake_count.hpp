// Counts wakes for the metrics, from their records.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "summond/metrics/vmm_counters.hpp"
#include "summond/vm/wake_record.hpp"

namespace summond::roles {

class WakeCount {
  public:
    // Null: nothing is counted.
    explicit WakeCount(metrics::VmmCounters* counters) : count_(counters) {}

    // As vm::Manager tells of it: once, and again when packets have been handed over.
    void told(const vm::WakeRecord& record);

  private:
    metrics::VmmCount count_;
    std::unordered_map<service::Id, std::uint64_t> counted_;  // the number of its last wake
};

}  // namespace summond::roles
