// Why the host is under pressure: while it is, only clients that have shown that their address is
// not forged wake services (docs/design/proof.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace summond::service {

enum class PressureCause : std::uint8_t {
    wakes,     // many are under way
    failures,  // with those that have just failed they are many
    queue,     // wakes wait for room
    room,      // little is left within the limits
    last = room,
};
// A bit each; 0: there is no pressure.
using PressureCauses = std::uint8_t;

inline constexpr std::array<std::string_view, static_cast<std::size_t>(PressureCause::last) + 1>
    pressure_causes{"wakes", "failures", "queue", "room"};

constexpr PressureCauses bit(PressureCause cause) {
    return static_cast<PressureCauses>(1U << static_cast<unsigned>(cause));
}

// "wakes, queue".
inline std::string pressure_words(PressureCauses causes) {
    std::string words;
    for (std::size_t i = 0; i < pressure_causes.size(); ++i)
        if ((causes >> i & 1) != 0)
            words.append(words.empty() ? "" : ", ").append(pressure_causes[i]);
    return words;
}

}  // namespace summond::service
