// Fills the placeholders of a service's kernel command line.
#pragma once

#include <string>
#include <string_view>

#include "summond/base/result.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

// {ipv4}, {ipv6} (the first address of each), {name} and {mac} (its first interface's) of the
// service; {{ and }} are braces. Errors: a brace alone, an unknown placeholder, an address that the
// service does not have. id: what {id} stands for; empty: it has no meaning.
base::Result<std::string> expand(std::string_view text, const service::Template& service,
                                 std::string_view id = {});

// The same for its command line, and an error if that is longer than Xen takes for its type.
base::Result<std::string> expand_cmdline(std::string_view text, const service::Template& service,
                                         std::string_view id = {});

}  // namespace summond::config
