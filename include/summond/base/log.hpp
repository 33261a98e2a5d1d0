// Logging for every role: spdlog to standard error, with the journal's level prefixes
// (sd-daemon(3)) where standard error is the journal, coloured where it is a terminal.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace summond::base {

// Sets the process's default spdlog logger. role ("parent", "front", "vmm") stands in every line.
// Thread-safe afterwards; never used on the warm query path.
void log_to_stderr(const std::string& role, spdlog::level::level_enum level);

}  // namespace summond::base
