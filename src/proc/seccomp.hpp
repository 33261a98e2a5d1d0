// Turns a list of allowed system calls into a seccomp filter.
#pragma once

#include "summond/base/result.hpp"
#include "summond/proc/isolate.hpp"

namespace summond::proc {

// Loads the filter into every thread of this process; it stays for good. Sets PR_SET_NO_NEW_PRIVS.
base::Result<void> load_filter(Syscalls allowed);

}  // namespace summond::proc
