// The guest of these tests, and who wants something of it.
#pragma once

#include "summond/frames/packet.hpp"
#include "summond/service/template.hpp"

namespace summond::wire {

inline constexpr frames::Mac guest{0x00, 0x16, 0x3e, 0x80, 0x00, 0x01};
inline constexpr frames::Mac client{0x52, 0x54, 0x00, 0x00, 0x00, 0x02};
inline constexpr service::Id www = 7;

}  // namespace summond::wire
