// A configuration that names one file, whose content is any bytes: it is refused with a reason, or
// loaded.
#pragma once

#include <string>

#include "fuzz_check.hpp"
#include "summond/config/config.hpp"

namespace summond::fuzz {

inline config::Loaded load_with_file(const std::string& text, const std::string& content) {
    config::Loaded loaded =
        config::parse(text, "/fuzz.yaml",
                      [&](const std::string&) -> base::Result<std::string> { return content; });
    bool refused = false;
    for (const config::Problem& problem : loaded.problems) {
        FUZZ_CHECK(!problem.what.empty() && !problem.where.file.empty());
        refused = refused || !problem.warning;
    }
    FUZZ_CHECK(loaded.config.has_value() != refused);
    return loaded;
}

}  // namespace summond::fuzz
