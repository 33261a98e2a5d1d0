// Reads how a zone is signed.
#pragma once

#include <optional>

#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

// None: it says `off`, or nothing that can be used.
std::optional<Dnssec> read_dnssec(const Value& value);

}  // namespace summond::config
