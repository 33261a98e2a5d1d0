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

    // As vm::Manager tells of it: once, and again when more is known of it.
    void told(const vm::WakeRecord& record);

  private:
    metrics::VmmCount count_;
    // Of its last wake: its number, and what of it has been counted that is known later.
    struct Counted {
        std::uint64_t number = 0;
        bool handed_over = false;
        bool first_byte = false;
    };
    std::unordered_map<service::Id, Counted> counted_;
};

}  // namespace summond::roles
