#include "summond/base/path.hpp"

#include <filesystem>

namespace summond::base {

std::string path_beside(const std::string& file, std::string_view name) {
    const std::filesystem::path named = std::filesystem::path(file).parent_path() / name;
    std::filesystem::path path;
    for (auto part = named.begin(); part != named.end(); ++part) {
        // As the last one it says that the rest is a directory.
        if (*part != "." || std::next(part) == named.end())
            path /= *part;
    }
    return path.string();
}

}  // namespace summond::base
