// The memory that fronts, wire, vmm and transfer count in, as control reads it.
#pragma once

#include <vector>

#include "summond/ipc/messages.hpp"
#include "summond/metrics/snapshot.hpp"
#include "summond/proc/shared_memory.hpp"

namespace summond::roles {

class CounterMappings {
  public:
    // One more, of that role's children.
    void add(ipc::Role role, int shared_memory);
    // What is counted in all of them.
    void fill(metrics::Snapshot& snapshot) const;

  private:
    std::vector<proc::SharedMapping> fronts_;
    std::vector<proc::SharedMapping> wires_;
    // There are never two of these.
    proc::SharedMapping vmm_;
    proc::SharedMapping transfer_;
};

}  // namespace summond::roles
