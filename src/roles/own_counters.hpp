// The memory that a process was born with to count in.
#pragma once

#include <cstddef>

#include "roles.hpp"
#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/proc/shared_memory.hpp"

namespace summond::roles {

// Once. With --uncounted it is none.
inline base::Result<proc::SharedMapping> own_counters(const Arguments& arguments,
                                                      std::size_t size) {
    if (arguments.uncounted)
        return proc::SharedMapping();
    const base::UniqueFd file(counters_fd);
    return proc::SharedMapping::map(file.get(), size, proc::SharedMapping::Access::write);
}

}  // namespace summond::roles
