// Disks as guests see them: the names that libxl knows (xen-vbd-interface(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace summond::config {

// What names look like that vdev_number knows, as a regular expression; numbers may yet be too
// large.
inline constexpr std::string_view vdev_pattern =
    "(?:d(?:0[xX][0-9A-Fa-f]+|[0-9]+)p(?:0[xX][0-9A-Fa-f]+|[0-9]+)|xvd[a-z]{1,5}(?:[1-9][0-9]*)?|"
    "hd[a-d](?:[1-9][0-9]?)?|sd[a-p](?:[1-9]|1[0-5])?|0[xX][0-9A-Fa-f]+|[0-9]+)";

// The number by which the guest knows it: of xvda1, hda, sda, d0p1, or a number such as 0x1 itself.
// None if libxl knows no such disk.
std::optional<std::uint32_t> vdev_number(std::string_view name);

}  // namespace summond::config
