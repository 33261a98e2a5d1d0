#include "report.hpp"

namespace summond::zone {

std::uint32_t Report::file(const std::string& name) {
    if (const auto found = file_index_.find(name); found != file_index_.end())
        return found->second;
    const auto index = static_cast<std::uint32_t>(files_.size());
    file_index_.emplace(files_.emplace_back(name), index);
    return index;
}

Where Report::where(const config::Location& location) {
    return {file(location.file), static_cast<std::uint32_t>(location.line),
            static_cast<std::uint32_t>(location.column)};
}

void Report::error(Where where, std::string what) {
    ++errors_;
    add(where, std::move(what), false, errors_listed_);
}

void Report::warning(Where where, std::string what) {
    add(where, std::move(what), true, warnings_listed_);
}

void Report::add(Where where, std::string what, bool warning, Listed& listed) {
    if (listed.of_zone++ > limit || listed.of_all > limit_of_all)
        return;
    if (listed.of_zone > limit || listed.of_all++ == limit_of_all)
        what = warning ? "further warnings are not listed" : "further problems are not listed";
    problems_.push_back(
        {{files_.at(where.file), static_cast<int>(where.line), static_cast<int>(where.column)},
         std::move(what),
         warning});
}

}  // namespace summond::zone
