// What a guest has written to its console, as its ring (xen/io/console.h) still has it, whoever has
// read it meanwhile and whether or not it is kept in a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace summond::xen {

// The last line that is not empty of what was written to a ring, up to the octet numbered
// `produced` (from 0; it goes round). Nothing of it is trusted: what is not printable ASCII is a
// question mark, and what is behind the 200th octet of the line is left out. Empty: nothing was
// written.
std::string last_line(std::span<const char> ring, std::uint32_t produced);

}  // namespace summond::xen
