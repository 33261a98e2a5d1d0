// `transfer` and `serial` of a zone, `tsig` of the whole.
#pragma once

#include <optional>
#include <vector>

#include "paths.hpp"
#include "reader.hpp"
#include "summond/config/config.hpp"

namespace summond::config {

std::optional<Transfer> read_transfer(const Value& value);
std::vector<TsigFile> read_tsig(const Value& value, const Paths& paths);
SerialPolicy read_serial_policy(const Value& value);

}  // namespace summond::config
