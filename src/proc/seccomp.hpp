// Turns the front's allow-list into a seccomp filter.
#pragma once

#include "summond/base/result.hpp"

namespace summond::proc {

// Loads the filter into every thread of this process; it stays for good. Sets PR_SET_NO_NEW_PRIVS.
base::Result<void> load_front_filter();

}  // namespace summond::proc
