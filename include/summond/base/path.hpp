// Names of files that stand in other files.
#pragma once

#include <string>
#include <string_view>

namespace summond::base {

// What `name`, as it stands in `file`, names: a relative one is looked for in the directory that
// `file` is in by its own name. Nothing else is resolved: open(2) is to follow symbolic links
// before it goes up for a "..", so only what means nothing ("." and repeated slashes) is left out.
std::string path_beside(const std::string& file, std::string_view name);

}  // namespace summond::base
