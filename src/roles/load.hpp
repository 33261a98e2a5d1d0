// A configuration with its zones, for those that are asked about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "summond/config/config.hpp"

namespace summond::roles {

struct LoadedFile {
    config::Config config;
    std::vector<std::uint8_t> image;
};

// Prints every problem; none if the configuration is refused.
std::optional<LoadedFile> load_file(const std::string& config_file);

}  // namespace summond::roles
