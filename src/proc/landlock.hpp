// Landlock (landlock(7)): takes files from a process by itself, whoever it runs as.
#pragma once

#include <span>

#include "summond/base/result.hpp"

namespace summond::proc {

// From now on, for this process and all threads made later: of files, only what is below these
// directories can be opened, and only to be read. Those that are not there are left out. False:
// this kernel has no Landlock. Sets nothing but that; PR_SET_NO_NEW_PRIVS has to be set before.
base::Result<bool> read_only_below(std::span<const char* const> directories);

}  // namespace summond::proc
