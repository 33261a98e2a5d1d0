// RDATA in presentation format: what rdata.cpp reads.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "summond/dns/types.hpp"

namespace summond::zone {

// Types with fields that are not written here, and data that does not fit its type, as \# LENGTH
// HEX (RFC 3597 §5). rdata: uncompressed.
std::string rdata_to_text(dns::Type type, std::span<const std::uint8_t> rdata);

}  // namespace summond::zone
