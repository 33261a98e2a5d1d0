// Whether octets are the data of a record type: for what zone files write as \# LENGTH HEX.
#pragma once

#include <span>

#include "record_types.hpp"
#include "summond/base/result.hpp"

namespace summond::zone {

base::Result<void> check_wire(const RecordType& type, std::span<const std::uint8_t> rdata);

}  // namespace summond::zone
