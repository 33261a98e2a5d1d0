#include "summond/base/path.hpp"

#include <algorithm>

namespace summond::base {

std::string path_beside(const std::string& file, std::string_view name) {
    const std::size_t directory = name.starts_with('/') ? 0 : file.rfind('/') + 1;
    const std::string named = file.substr(0, directory).append(name);
    std::string path;
    for (std::size_t at = 0; at < named.size();) {
        if (named[at] == '/') {
            path += '/';
            at = named.find_first_not_of('/', at);
            continue;
        }
        const std::size_t end = std::min(named.find('/', at), named.size());
        const std::string_view part = std::string_view(named).substr(at, end - at);
        // As the last one it says that the rest is a directory.
        const bool means_nothing = part == "." && end < named.size();
        if (!means_nothing)
            path += part;
        at = means_nothing ? named.find_first_not_of('/', end) : end;
    }
    return path;
}

}  // namespace summond::base
