#include "report.hpp"

#include <algorithm>

namespace summond::zone {

std::uint32_t Report::file(const std::string& name) {
    const auto found = std::find(files_.begin(), files_.end(), name);
    const auto index = static_cast<std::uint32_t>(found - files_.begin());
    if (found == files_.end())
        files_.push_back(name);
    return index;
}

Where Report::where(const config::Location& location) {
    return {file(location.file), static_cast<std::uint32_t>(location.line),
            static_cast<std::uint32_t>(location.column)};
}

void Report::add(Where where, std::string what, bool warning) {
    failed_ = failed_ || !warning;
    if (problems_.size() > limit)
        return;
    if (problems_.size() == limit)
        what = "further problems are not listed";
    problems_.push_back(
        {{files_.at(where.file), static_cast<int>(where.line), static_cast<int>(where.column)},
         std::move(what),
         warning});
}

}  // namespace summond::zone
