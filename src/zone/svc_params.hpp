// SvcParams of SVCB and HTTPS records (RFC 9460 §2).
#pragma once

#include "text_fields.hpp"

namespace summond::zone {

// key=value words to the end, in any order; `out` gets them in that of the wire. Refuses what is
// not self-consistent (§2.4.3).
base::Result<void> read_svc_params(Words& words, Bytes& out);
// The same for wire format.
base::Result<void> check_svc_params(std::span<const std::uint8_t> wire);

}  // namespace summond::zone
