// Logging for every role, and what is included for it: spdlog to standard error, with the journal's
// level prefixes (sd-daemon(3)) where standard error is the journal, coloured where it is a
// terminal.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

// What every log line instantiates, all of fmt's formatting: compiled once, in log.cpp, and not in
// each file that logs, which took half of its time.
extern template void fmt::detail::vformat_to<char>(fmt::detail::buffer<char>&, fmt::string_view,
                                                   fmt::format_args, fmt::detail::locale_ref);

namespace summond::base {

// Sets the process's default spdlog logger. role ("parent", "front", "vmm") stands in every line.
// Thread-safe afterwards; never used on the warm query path.
void log_to_stderr(const std::string& role, spdlog::level::level_enum level);

}  // namespace summond::base
