// Reading a configuration and building its zones, for the loader and the commands that people give.
// Every problem is printed, on standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "summond/config/config.hpp"
#include "summond/zone/zone.hpp"

namespace summond::roles {

// Before private keys are read: no core dump and no other process but root's is to have them.
void hide_memory();

struct Read {
    config::Sources sources;  // without zones
    config::Config config;
};
// None: it is refused.
std::optional<Read> read_config(const std::string& file, service::Host host = service::this_host());

// None: it is refused.
std::optional<zone::Built> build_zones(const config::Config& config, zone::BadFile bad_file,
                                       const zone::Zones* before, const zone::Checks& checks);

}  // namespace summond::roles
