// `fleet:` on its way from the loader, which has read its files, to the role fleet, which opens
// none: as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "summond/base/result.hpp"
#include "summond/config/config.hpp"

namespace summond::fleet {

struct Settings {
    config::Fleet config;
    std::string identity;  // as Host has it
};

// machine: machine-id(5). The same for a daemon over restarts, another one for others on its
// machine.
std::string identity_of(std::string_view machine, std::string_view config_file);

// None: there is no `fleet:`.
std::string pack(const std::optional<Settings>& settings);
base::Result<std::optional<Settings>> unpack(std::string_view text);

}  // namespace summond::fleet
