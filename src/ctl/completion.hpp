// What shells complete, made from the commands and options themselves.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace summond::ctl {

std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

}  // namespace summond::ctl
